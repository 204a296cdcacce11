/// Shots written for Headway. They stand in where a benchmark shows shots and no file of them is given; the result then says "own shots".
enum OwnShots {
  /// Word problems in English with a number for an answer.
  static let wordProblems: [Item] = [
    problem(
      "A baker fills 6 trays with 12 rolls each and sells 50 rolls before noon. How many rolls are left?",
      "6 trays of 12 rolls are 6 * 12 = 72 rolls.\nAfter 50 are sold, 72 - 50 = 22 rolls are left.", "22"),
    problem(
      "Nora saves $15 a week. After 8 weeks she buys a lamp for $45. How much money does she have left?",
      "In 8 weeks Nora saves 8 * 15 = 120 dollars.\nThe lamp costs 45 dollars, so 120 - 45 = 75 dollars are left.", "75"),
    problem(
      "A train covers 180 miles in 3 hours. At the same speed, how many miles does it cover in 5 hours?",
      "Its speed is 180 / 3 = 60 miles an hour.\nIn 5 hours it covers 60 * 5 = 300 miles.", "300"),
    problem(
      "A class has 28 pupils. A quarter of them walk to school, 9 cycle, and the others take the bus. How many take the bus?",
      "A quarter of 28 is 28 / 4 = 7 pupils who walk.\nWith the 9 who cycle that makes 7 + 9 = 16.\nSo 28 - 16 = 12 pupils take the bus.",
      "12"),
    problem(
      "Pens cost $2 each, and a pack of 10 costs $16. How much does a school save by buying 40 pens in packs instead of one by one?",
      "One by one, 40 pens cost 40 * 2 = 80 dollars.\nThey fill 40 / 10 = 4 packs, which cost 4 * 16 = 64 dollars.\nThe school saves 80 - 64 = 16 dollars.",
      "16"),
    problem(
      "Omar reads 20 pages on Monday and twice as many on Tuesday. His book has 150 pages. How many pages are left?",
      "On Tuesday he reads 20 * 2 = 40 pages.\nThat makes 20 + 40 = 60 pages in all.\nSo 150 - 60 = 90 pages are left.", "90"),
    problem(
      "A garden is 14 meters long and 9 meters wide. How many meters of fence go around it?",
      "Length and width together are 14 + 9 = 23 meters.\nThe fence is twice that, 23 * 2 = 46 meters.", "46"),
    problem(
      "Three friends share the cost of a $54 dinner equally, and each adds a $4 tip. How much does each of them pay?",
      "Each share is 54 / 3 = 18 dollars.\nWith the tip, each pays 18 + 4 = 22 dollars.", "22"),
  ]

  /// Word problems in Chinese with a number for an answer.
  static let chineseWordProblems: [Item] = [
    problem("果园里有48棵苹果树，梨树比苹果树少15棵。果园里一共有多少棵树？", "梨树有48 - 15 = 33棵。一共有48 + 33 = 81棵树。", "81", "zh"),
    problem("一本书有120页，小红每天看16页，看了5天。还剩多少页没有看？", "5天看了16 * 5 = 80页。还剩120 - 80 = 40页。", "40", "zh"),
    problem("4箱牛奶共有96瓶。照这样计算，7箱牛奶有多少瓶？", "每箱有96 / 4 = 24瓶。7箱有24 * 7 = 168瓶。", "168", "zh"),
    problem("学校买来3个足球，每个45元，付给售货员200元。应找回多少元？", "3个足球要45 * 3 = 135元。应找回200 - 135 = 65元。", "65", "zh"),
    problem("一个长方形的长是12厘米，宽是8厘米。它的周长是多少厘米？", "长与宽的和是12 + 8 = 20厘米。周长是20 * 2 = 40厘米。", "40", "zh"),
    problem("小明今年9岁，爸爸的年龄是小明的4倍。爸爸比小明大多少岁？", "爸爸今年9 * 4 = 36岁。爸爸比小明大36 - 9 = 27岁。", "27", "zh"),
    problem("一根绳子长30米，用去了它的五分之二。还剩多少米？", "用去了30 * 2 / 5 = 12米。还剩30 - 12 = 18米。", "18", "zh"),
    problem(
      "甲、乙两车同时从相距350千米的两地相向而行，甲车每小时行40千米，乙车每小时行30千米。几小时后相遇？",
      "两车每小时共行40 + 30 = 70千米。相遇要350 / 70 = 5小时。", "5", "zh"),
  ]

  /// Problems of the kind of MATH.
  static let competitionProblems: [Item] = [
    problem(
      "What is the sum of the solutions of $x^2-7x+10=0$?",
      #"The left side factors into $(x-2)(x-5)$, so the solutions are $2$ and $5$. Their sum is $\boxed{7}$."#, "7"),
    problem(
      #"Find the area of a circle whose circumference is $6\pi$."#,
      #"The circumference is $2\pi r=6\pi$, so $r=3$. The area is $\pi r^2=\boxed{9\pi}$."#, #"9\pi"#),
    problem(
      "A fair coin is tossed three times. What is the probability of exactly two heads? Express your answer as a common fraction.",
      #"There are $2^3=8$ equally likely outcomes, and $\binom{3}{2}=3$ of them have exactly two heads. The probability is $\boxed{\frac{3}{8}}$."#,
      #"\frac{3}{8}"#),
    problem(
      "What is the greatest common divisor of $84$ and $126$?",
      #"We have $84=2^2\cdot 3\cdot 7$ and $126=2\cdot 3^2\cdot 7$. The common factors are $2$, $3$ and $7$, so the greatest common divisor is $\boxed{42}$."#,
      "42"),
  ]

  /// Single choices in English, of several subjects.
  static let choices: [Item] = [
    choice("Which planet is closest to the Sun?", ["Venus", "Mercury", "Mars", "Earth"], 1),
    choice("What is 15% of 200?", ["15", "20", "30", "45"], 2),
    choice("Which gas do plants take in for photosynthesis?", ["Carbon dioxide", "Nitrogen", "Helium", "Hydrogen"], 0),
    choice("In which organ of the human body does oxygen pass into the blood?", ["Heart", "Liver", "Kidney", "Lung"], 3),
    choice("What does a thermometer measure?", ["Pressure", "Temperature", "Speed", "Humidity"], 1),
  ]

  /// Single choices in Chinese, of several subjects.
  static let chineseChoices: [Item] = [
    choice("下列各数中，最小的是____", ["3", "0", "-2", "1"], 2),
    choice("水的化学式是____", ["H2O", "CO2", "O2", "NaCl"], 0),
    choice("北半球一年中白昼最长的节气是____", ["立春", "秋分", "冬至", "夏至"], 3),
    choice("《静夜思》的作者是____", ["杜甫", "李白", "白居易", "王维"], 1),
    choice("直角三角形的两个锐角之和是____", ["60°", "90°", "120°", "180°"], 1),
  ]

  private static func problem(_ question: String, _ steps: String, _ answer: String, _ language: String = "en") -> Item {
    Item(question: question, answer: answer, steps: steps, language: language)
  }

  private static func choice(_ question: String, _ options: [String], _ right: Int) -> Item {
    Item(question: question, options: options, right: right, answer: Item.letter(right))
  }
}
