/// Unhealthy episodes.
enum Episodes {
    /// Times that are not over `gap` seconds apart make one episode; its beginning is the first of them.
    static func beginnings(_ times: [Double], gap: Double = 300) -> [Double] {
        var beginnings: [Double] = []
        var last = -Double.infinity
        for time in times {
            if time - last > gap { beginnings.append(time) }
            last = time
        }
        return beginnings
    }
}
