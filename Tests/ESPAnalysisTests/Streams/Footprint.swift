/// How many values a value holds in its arrays, dictionaries and sets, all levels together.
///
/// Sees private storage too, so what grows somewhere inside shows itself.
func footprint(of value: Any) -> Int {
    let mirror = Mirror(reflecting: value)
    let isCollection =
        switch mirror.displayStyle {
        case .collection, .dictionary, .set: true
        default: false
        }
    return mirror.children.reduce(isCollection ? mirror.children.count : 0) { sum, child in
        sum + footprint(of: child.value)
    }
}
