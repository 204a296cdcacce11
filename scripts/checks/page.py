#!/usr/bin/env python3
"""Goes through a report's page in a headless Chromium as a reader does: from a task to a head, a sample, a token and back, by clicks and by keys, at
the widths of a phone, a tablet and a desktop, light and dark, on paper and without a script.

    python3 -m pip install playwright==1.65.2        # the driver; the browser is Debian's package chromium, or CHROMIUM names one
    scripts/checks/page.py                           # a page of Examples/, made on the spot with .build/release/headway or .build/debug/headway
    scripts/checks/page.py headway-demo/report.html  # a page that is there
    scripts/checks/page.py --pictures FOLDER         # keeps what was seen

Ends with status 1 and a line for whatever is not as it should be. Nothing may be loaded, no error told, no text of the data run as a script.
"""
import argparse, json, os, pathlib, shutil, struct, subprocess, sys, tempfile, urllib.parse
import xml.etree.ElementTree as tree

from playwright.sync_api import sync_playwright

ROOT = pathlib.Path(__file__).resolve().parents[2]
SIZES = {"phone": (390, 844), "tablet": (820, 1180), "desktop": (1440, 900)}
HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)> & \u202e 数 "


def program():
    for place in (".build/release/headway", ".build/debug/headway"):
        if (ROOT / place).exists():
            return str(ROOT / place)
    sys.exit("page: there is no .build/release/headway; run make build first, or name a page")


def make_page(folder):
    """A page with everything: a pattern before and after, a change, tokens, an ablation, a training run, foreign text that would be markup."""
    headway, model = program(), str(ROOT / "Examples/model")
    data = folder / "data.jsonl"
    with open(ROOT / "Examples/problems.jsonl") as source, open(data, "w") as out:
        for line in list(source)[:24]:
            fields = list(json.loads(line).values())
            out.write(json.dumps({"prompt": HOSTILE + str(fields[0])[:160], "response": str(fields[-1])[:80], "task": "<b>sums</b>"}) + "\n")

    def run(*arguments):
        subprocess.run([headway, *map(str, arguments), "--quiet"], check=True, stdout=subprocess.DEVNULL)

    common = ["--dtype", "float32", "--format", "pairs", "--limit", 12]
    run("pattern", model, "--data", data, *common, "--per-sample", "--tokens", 2, "--out", folder / "sums-base.safetensors")
    run("sft", model, "--data", data, "--format", "pairs", "--dtype", "float32", "--lr", 1e-3, "--steps", 6, "--batch-size", 4, "--accumulate", 1,
        "--track", data, "--track-limit", 4, "--track-every", 2, "--eval-data", data, "--eval-every", 3, "--save-dtype", "float32", "--out", folder / "tuned")
    run("pattern", folder / "tuned", "--data", data, *common, "--per-sample", "--tokens", 2, "--out", folder / "sums-tuned.safetensors")
    run("change", folder / "sums-base.safetensors", folder / "sums-tuned.safetensors", "--out", folder / "sums-change.safetensors")
    run("ablate", folder / "tuned", "--data", data, *common, "--all", "--bootstrap", 100, "--out", folder / "ablation.json")
    run("report", folder)
    return folder / "report.html"


class Check:
    """One page in one window."""

    def __init__(self, browser, address, name, size, scheme, pictures, scripts=True):
        self.name, self.pictures, self.problems = f"{name}, {scheme}", pictures, []
        self.context = browser.new_context(
            viewport={"width": size[0], "height": size[1]}, color_scheme=scheme, accept_downloads=True, java_script_enabled=scripts,
            has_touch=name == "phone", reduced_motion="reduce")
        self.page = self.context.new_page()
        self.page.on("console", lambda message: self.require(message.type != "error", f"the console says {message.text}"))
        self.page.on("pageerror", lambda error: self.require(False, f"the script fails: {error}"))
        self.page.on("dialog", lambda dialog: (self.require(False, "text of the data was run"), dialog.dismiss()))
        self.page.on("request", lambda request: self.require(
            request.url.startswith(("data:", "blob:")) or request.url == address, f"loads {request.url[:80]}"))
        self.page.goto(address)

    def require(self, condition, problem):
        if not condition:
            self.problems.append(f"{self.name}: {problem}")

    def see(self, what, full=False):
        if self.pictures:
            self.page.screenshot(path=self.pictures / f"{self.name.replace(', ', '-')}-{what}.png", full_page=full)

    def hash(self):
        return self.page.evaluate("location.hash")

    def fits(self, where):
        wide = self.page.evaluate("document.documentElement.scrollWidth - innerWidth")
        self.require(wide <= 0, f"{where} is {wide} pixels wider than the window")

    def shown(self, panel):
        return self.page.locator(f".panel-{panel}").is_visible()

    def road(self):
        """Task → head → sample → token, and back by the browser's own steps."""
        page = self.page
        self.require(page.locator("#explore").is_visible(), "the explorer is not there")
        self.require(page.locator("p.summary").count() in (1, 2, 3), "the first screen does not say in up to three sentences what was measured and found")
        self.see("1-start")
        tasks = page.locator(".tasks a")
        if tasks.count():
            tasks.first.click()
        page.wait_for_selector(".panel-maps svg.map")
        self.fits("the map")
        sides = page.locator(".panel-maps h4 .side").all_inner_texts()
        self.require(sides == sorted(sides, key=["before", "after", "change"].index), f"the maps stand in the order {sides}")
        self.see("2-maps", full=False)
        page.locator(".panel-maps .strongest a").first.click()
        page.wait_for_selector(".panel-head h3")
        self.require(page.evaluate("document.activeElement.tagName") == "H3", "the focus does not go to the head")
        self.fits("the head")
        self.see("3-head")
        samples = page.locator(".panel-head ol.samples a")
        self.require(samples.count() > 0, "no sample of the strongest head leads on")
        if not samples.count():
            return
        samples.first.click()
        page.wait_for_selector(".panel-sample .passage")
        self.fits("the sample")
        page.locator(".panel-sample .passage .token").nth(3).click()
        page.wait_for_selector(".panel-sample [aria-pressed=true]")
        self.require(page.locator(".token-readout").first.inner_text().startswith("Token 3"), "the token is not told")
        self.see("4-token")
        depths = [len(self.hash().split("/"))]
        for step in range(3):
            page.go_back()
            page.wait_for_timeout(60)
            depths.append(len(self.hash().split("/")))
        self.require(depths == [5, 4, 3, 2], f"going back leads through {depths}")
        self.require(self.shown("maps") and not self.shown("head") and not self.shown("sample"), "going back leaves the parts open")
        page.go_forward()
        page.wait_for_selector(".panel-head h3")
        self.require(self.shown("head"), "going forward does not open the head again")

    def keys(self):
        """The same by keys alone."""
        page = self.page
        page.goto(page.url.split("#")[0] + "#explore/0")
        page.reload()
        svg = page.locator(".panel-maps svg.map").first
        svg.focus()
        page.keyboard.press("ArrowRight")
        page.keyboard.press("ArrowDown")
        told = page.locator(".panel-maps .readout").first.inner_text()
        self.require(told.startswith("layer 1, head 1:"), f"the arrow keys lead to '{told}'")
        before = svg.bounding_box()["width"]
        for _ in range(3):
            page.keyboard.press("+")
        self.require(svg.bounding_box()["width"] > before * 1.5, "the map does not zoom")
        self.see("5-zoomed")
        self.fits("the zoomed map")
        page.keyboard.press("0")
        page.keyboard.press("Enter")
        page.wait_for_selector(".panel-head h3")
        self.require(self.hash().endswith("/1:1"), f"Enter leads to {self.hash()}")
        page.keyboard.press("Escape")
        page.wait_for_timeout(60)
        self.require(not self.shown("head"), "Escape does not lead back")
        # To a sample by Tab and Enter alone, from a head of which samples were kept.
        page.locator(".panel-maps .strongest a").first.focus()
        page.keyboard.press("Enter")
        page.wait_for_selector(".panel-head ol.samples a")
        for _ in range(3):
            page.keyboard.press("Tab")
            if page.evaluate("document.activeElement.closest('ol.samples') !== null"):
                break
        page.keyboard.press("Enter")
        page.wait_for_selector(".panel-sample .passage")
        page.locator(".panel-sample .passage .token").first.focus()
        page.keyboard.press("ArrowRight")
        page.keyboard.press("Enter")
        page.wait_for_selector(".panel-sample [aria-pressed=true]")
        self.require(self.hash().endswith("/1"), f"the token of the keys is {self.hash()}")

    def training(self):
        page = self.page
        rows = page.evaluate("JSON.parse(document.getElementById('explorer-data').textContent).rows.map(row => !!(row.run && row.run.steps.length > 1))")
        if True not in rows:
            return
        page.goto(page.url.split("#")[0] + f"#explore/{rows.index(True)}")
        page.reload()
        slider = page.locator("#step")
        slider.focus()
        before = page.locator(".panel-maps .strongest").inner_text()
        page.keyboard.press("End")
        told = page.locator(".steps output").inner_text()
        self.require(told.startswith("after ") and not told.startswith("after 0 "), f"the slider tells '{told}'")
        self.require(page.locator(".panel-maps .strongest").inner_text() != before, "the slider does not change the map")
        self.require(page.locator(".panel-maps svg .guide").count() > 0, "no curve marks the step")
        self.see("6-training")
        self.fits("the training")

    def tables(self):
        page = self.page
        fold = page.locator("main > section:not(#explore) button.fold:visible").first
        if fold.count():
            table = page.locator("main > section:not(#explore) .scroll:has(+ button.fold:visible) table:visible").first
            few = table.locator("tbody tr:visible").count()
            fold.click()
            self.require(table.locator("tbody tr:visible").count() > few, "a table does not open")
            fold.click()
        head = page.locator("main > section:not(#explore) th.number .sort:visible").first
        head.click()
        self.require(page.locator("th[aria-sort=ascending]").count() >= 1, "a table does not sort")

    def saves(self):
        page = self.page
        for kind in ("SVG", "PNG"):
            for place in ("main > section:not(#explore) figure", ".panel-maps figure"):
                buttons = page.locator(f"{place} .save button", has_text=kind)
                if not buttons.count():
                    self.require(place.startswith(".panel"), f"no picture is saved as {kind}")
                    continue
                with page.expect_download() as download:
                    buttons.first.click()
                data = pathlib.Path(download.value.path()).read_bytes()
                if kind == "SVG":
                    root = tree.fromstring(data)
                    self.require(root.tag.endswith("svg") and b"<style" in data, "a saved SVG lacks its style")
                else:
                    self.require(data[:8] == b"\x89PNG\r\n\x1a\n" and struct.unpack(">II", data[16:24])[0] >= 200, "a saved PNG is none")
                if self.pictures:
                    (self.pictures / f"saved-{'map' if place[0] == '.' else 'picture'}.{kind.lower()}").write_bytes(data)

    def names(self):
        """What a screen reader says: every control has a name, every picture a title, headings follow each other."""
        nameless = self.page.evaluate("""[...document.querySelectorAll('a, button, input, [role=button], svg')].filter(one =>
            !(one.getAttribute('aria-label') ?? one.querySelector(':scope > title')?.textContent ?? one.textContent).trim()).map(one => one.outerHTML.slice(0, 80))""")
        self.require(not nameless, f"without a name: {nameless[:3]}")
        levels = self.page.evaluate("[...document.querySelectorAll('h1,h2,h3,h4')].filter(one => one.offsetParent).map(one => Number(one.tagName[1]))")
        self.require(levels[0] == 1 and all(b - a <= 1 for a, b in zip(levels, levels[1:])), f"headings leave a level out: {levels}")
        self.require(self.page.evaluate("document.querySelectorAll('[tabindex]:not([tabindex=\"0\"]):not([tabindex=\"-1\"])').length") == 0, "an order of focus of its own")

    def contrast(self):
        """Text on the shades of tokens stays readable (WCAG: 4.5)."""
        worst = self.page.evaluate("""(() => {
            const canvas = new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true });
            const color = (text, under) => { canvas.fillStyle = under; canvas.fillRect(0, 0, 1, 1); canvas.fillStyle = text; canvas.fillRect(0, 0, 1, 1); return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3); };
            const light = parts => parts.map(part => part / 255).map(part => part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4).reduce((sum, part, place) => sum + part * [0.2126, 0.7152, 0.0722][place], 0);
            const page = getComputedStyle(document.body).backgroundColor;
            return Math.min(...[...document.querySelectorAll('.token')].map(token => {
              const style = getComputedStyle(token), a = light(color(style.color, page)), b = light(color(style.backgroundColor, page));
              return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
            }));
        })()""")
        self.require(worst is None or worst >= 4.5, f"a token's contrast is {worst}")

    def paper(self):
        page = self.page
        page.emulate_media(media="print", color_scheme="light")
        hints = page.evaluate("[...document.querySelectorAll('.hint, .save, .fold, .tools, .crumbs')].filter(one => getComputedStyle(one).display !== 'none').length")
        self.require(hints == 0, f"paper has {hints} hints and buttons")
        pdf = page.pdf(format="A4", print_background=False)
        self.require(pdf[:5] == b"%PDF-" and len(pdf) > 10000, "the page does not print")
        if self.pictures:
            (self.pictures / "paper.pdf").write_bytes(pdf)
        page.emulate_media(media="screen")

    def close(self):
        self.context.close()
        return self.problems


def main():
    options = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    options.add_argument("page", nargs="?", type=pathlib.Path, help="a report.html; one of Examples/ is made where left out")
    options.add_argument("--pictures", type=pathlib.Path, help="a folder for what was seen")
    asked = options.parse_args()
    browser_path = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if asked.pictures:
        asked.pictures.mkdir(parents=True, exist_ok=True)
    problems = []
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        page = (asked.page or make_page(pathlib.Path(folder))).resolve()
        address = "file://" + urllib.parse.quote(str(page))
        # Root, as in containers, has no sandbox.
        browser = driver.chromium.launch(executable_path=browser_path, args=["--no-sandbox"] if os.geteuid() == 0 else [])
        for name, size in SIZES.items():
            for scheme in ("light", "dark"):
                check = Check(browser, address, name, size, scheme, asked.pictures)
                for part in ("road", "names", "contrast", "keys", "contrast", "names", "training", "tables", "saves"):
                    try:
                        getattr(check, part)()
                    except Exception as error:  # one part that fails must not hide the others
                        check.require(False, f"{part}: {str(error).splitlines()[0]}")
                        check.see(f"failed-{part}")
                if (name, scheme) == ("desktop", "light"):
                    check.paper()
                check.see("7-whole", full=True)
                problems += check.close()
        bare = Check(browser, address, "desktop", SIZES["desktop"], "light", None, scripts=False)
        bare.require(not bare.page.locator("#explore").is_visible(), "without a script the explorer is shown")
        bare.require(bare.page.locator("main table").count() > 0 and bare.page.locator("main svg").count() > 0, "without a script tables or pictures lack")
        bare.require(bare.page.locator("main tbody tr:visible").count() == bare.page.locator("main section:not(#explore) > .scroll tbody tr").count(), "without a script rows are hidden")
        problems += [problem.replace("desktop", "without a script") for problem in bare.close()]
        browser.close()
    for problem in problems:
        print(f"page: {problem}")
    print("page: all is as it should be" if not problems else f"page: {len(problems)} problems")
    sys.exit(1 if problems else 0)


main()
