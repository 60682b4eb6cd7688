/// Collects the mistakes of one file, so that all of them are reported in one pass.
struct Mistakes {
    let file: String
    let locator: KeyLocator
    private(set) var found: [ConfigurationDiagnostic] = []

    init(file: String, locator: KeyLocator) {
        self.file = file
        self.locator = locator
    }

    /// Which part of an entry a mistake is shown at.
    enum Spot {
        case key
        case value
    }

    /// Notes a mistake in the value that `path` leads to.
    ///
    /// It is shown at the key where that should not be there, and at the value where that should be
    /// another one. The message names the key `name` where that is not the one of `path`.
    mutating func add(
        _ problem: String, allowed: String?, at path: [TOMLStep], _ spot: Spot,
        as name: [TOMLStep]? = nil
    ) {
        let location = locator.nearestLocation(of: path)
        found.append(
            ConfigurationDiagnostic(
                file: file, position: spot == .key ? location.key : location.value,
                key: Self.dotted(name ?? path), problem: problem, allowed: allowed))
    }

    /// The path in dotted form, arrays counted from 1: `tunnel[2].expect.health_check_style`.
    static func dotted(_ path: [TOMLStep]) -> String {
        var text = ""
        for step in path {
            switch step {
            case .key(let key): text += (text.isEmpty ? "" : ".") + TOMLText.key(key)
            case .index(let index): text += "[\(index + 1)]"
            }
        }
        return text
    }
}

/// Why a value is not what its key takes.
struct ValueMistake: Error, Equatable {
    /// What is wrong.
    let problem: String
    /// What would be right, where it is not simply all that the rule allows.
    var allowed: String?
    /// The element that is wrong, from 0, where the value is an array.
    var element: Int?

    init(_ problem: String, allowed: String? = nil, element: Int? = nil) {
        self.problem = problem
        self.allowed = allowed
        self.element = element
    }
}
