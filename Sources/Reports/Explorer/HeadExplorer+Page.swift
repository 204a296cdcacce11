import Foundation
import Ground

extension HeadExplorer {
  /// The contents with the colours of every map: levels of a row share a scale, and changes another, so that before and after compare.
  private var coloured: HeadExplorer {
    var explorer = self
    for row in rows.indices {
      let maps = rows[row].maps
      for isChange in [false, true] {
        let members = maps.indices.filter { maps[$0].isChange == isChange }
        // Maps of two scores or two models do not compare.
        for (_, alike) in Dictionary(grouping: members, by: { [maps[$0].valueName, "\(maps[$0].layers)×\(maps[$0].heads)"] }) {
          let scale = ColorScale(alike.flatMap { maps[$0].values.compactMap(\.self) }, isChange: isChange, clips: true)
          for map in alike { explorer.rows[row].maps[map].scale = Scale(scale) }
        }
      }
      if let run = rows[row].run {
        explorer.rows[row].run?.scale = Scale(
          ColorScale(run.values.flatMap { $0.compactMap(\.self) }, isChange: false, clips: true))
      }
    }
    return explorer
  }

  /// The contents as JSON inside a page: no character in it can end the element that it stands in, or be read as markup.
  /// - Throws: `EncodingError` where a number is not finite.
  func json() throws -> String {
    String(decoding: try HeadwayJSON.encoder().encode(coloured), as: UTF8.self)
      .replacing("<", with: "\\u003c").replacing(">", with: "\\u003e").replacing("&", with: "\\u0026")
  }
}
