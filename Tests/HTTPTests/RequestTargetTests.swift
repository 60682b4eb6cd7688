import Testing

@testable import HTTP

@Suite struct RequestTargetTests {
    @Test(
        arguments: [
            ("/", "/", [:]),
            ("/metrics", "/metrics", [:]),
            ("/a%20b/%C3%A9", "/a b/é", [:]),
            ("/a+b", "/a+b", [:]),
            ("/r?since=24h&x=1%262", "/r", ["since": "24h", "x": "1&2"]),
            ("/r?a+b=c+d", "/r", ["a b": "c d"]),
            ("/r?a=1&a=2", "/r", ["a": "1"]),
            ("/r?a", "/r", ["a": ""]),
            ("/r?a=b=c", "/r", ["a": "b=c"]),
            ("/r?", "/r", [:]),
            ("/r?&&", "/r", [:]),
            ("/r?q=/?x", "/r", ["q": "/?x"]),
            ("http://host:1/p?q=1", "/p", ["q": "1"]),
            ("HTTP://host", "/", [:]),
            ("http://host?q=1", "/", ["q": "1"]),
            ("*", "*", [:]),
        ] as [(String, String, [String: String])])
    func `splits and decodes`(target: String, path: String, query: [String: String]) throws {
        let parsed = try #require(RequestTarget(target))
        #expect(parsed.path == path)
        #expect(parsed.query == query)
    }

    @Test(arguments: ["", "x", "host:443", "/%", "/%4", "/%zz", "/%ff", "/a?b=%", "/a?%c3=1"])
    func `refuses what cannot be decoded`(target: String) {
        #expect(RequestTarget(target) == nil)
    }
}

@Suite struct HTTPDateTests {
    @Test(arguments: [
        // The example of RFC 9110 §5.6.7.
        (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),
        (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
        (1_795_348_800, "Sun, 22 Nov 2026 12:00:00 GMT"),
    ])
    func `writes the date in RFC form`(seconds: Int, expected: String) {
        #expect(httpDate(secondsSinceEpoch: seconds) == expected)
    }
}
