// See ../context.h; c10d uses nothing of it.
#pragma once
