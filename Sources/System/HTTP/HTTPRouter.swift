/// Which handler answers which path and method.
///
/// An unknown path is answered 404, a known one with another method 405 with `Allow`; HEAD is
/// answered like GET, and the server leaves the body out.
public struct HTTPRouter: Sendable {
    /// Answers one request.
    public typealias Handler = @Sendable (HTTPRequest) async -> HTTPResponse

    private var handlers: [String: [HTTPMethod: Handler]] = [:]

    /// Makes a router without routes.
    public init() {}

    /// Adds a route for one exact path.
    ///
    /// - Precondition: `path` begins with "/", and the path and method have no route yet.
    public mutating func on(_ method: HTTPMethod, _ path: String, _ handler: @escaping Handler) {
        precondition(path.hasPrefix("/"), "the path '\(path)' does not begin with /")
        let previous = handlers[path, default: [:]].updateValue(handler, forKey: method)
        precondition(previous == nil, "\(method) \(path) has two handlers")
    }

    /// Answers a request by its route.
    public func respond(to request: HTTPRequest) async -> HTTPResponse {
        guard let methods = handlers[request.path] else {
            return .text("404 there is nothing at \(request.path)\n", status: 404)
        }
        if let handler = methods[request.method] { return await handler(request) }
        if request.method == .head, let handler = methods[.get] { return await handler(request) }
        var allowed = Set(methods.keys.map(\.description))
        if methods[.get] != nil { allowed.insert(HTTPMethod.head.description) }
        let allow = allowed.sorted().joined(separator: ", ")
        var response = HTTPResponse.text(
            "405 \(request.path) answers \(allow), not \(request.method)\n", status: 405)
        response.headers.append(("Allow", allow))
        return response
    }
}
