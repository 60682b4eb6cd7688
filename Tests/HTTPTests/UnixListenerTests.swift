import Foundation
import HTTP
import Testing

@Suite struct UnixListenerTests {
    private let directory: TemporaryDirectory
    private let path: String

    init() throws {
        directory = try TemporaryDirectory()
        path = "\(directory.path)/control.sock"
    }

    private func server(
        mode: UInt16 = 0o660, group: String? = nil, path: String? = nil
    ) -> HTTPServer {
        HTTPServer(endpoint: .unix(path: path ?? self.path, mode: mode, group: group)) { request in
            .text("\(request.peer)\n")
        }
    }

    private func exists(_ path: String) -> Bool {
        var status = stat()
        return lstat(path, &status) == 0
    }

    @Test(arguments: [0o660, 0o600, 0o666] as [UInt16])
    func `has the mode it was given, whatever the umask`(mode: UInt16) async throws {
        let server = server(mode: mode)
        try await server.start()
        var status = stat()
        #expect(lstat(path, &status) == 0)
        #expect(status.st_mode & S_IFMT == S_IFSOCK)
        #expect(UInt16(status.st_mode & 0o7777) == mode)
        await server.stop()
        #expect(!exists(path), "stop removes the socket")
    }

    @Test func `belongs to the group by name`() async throws {
        let server = server(group: "daemon")
        try await server.start()
        let result = try await run("stat", "-c", "%G %a", path)
        #expect(result.output == "daemon 660\n")
        await server.stop()
    }

    @Test func `an unknown group is an error and leaves nothing behind`() async throws {
        await #expect(
            throws: HTTPServerError.unknownGroup(name: "no-such-group", path: path)
        ) { try await server(group: "no-such-group").start() }
        #expect(!exists(path))
    }

    @Test func `sees who asks, and curl is served`() async throws {
        let server = server()
        try await server.start()
        let result = try await run("curl", "-sS", "--unix-socket", path, "http://localhost/")
        #expect(result.output.contains("uid: \(getuid()), gid: \(getgid())"), "\(result)")
        await server.stop()
    }

    @Test(.enabled(if: getuid() == 0, "needs root to become another user"))
    func `the kernel keeps out a user who is not in the group`() async throws {
        let chmod = try await run("chmod", "755", directory.path)
        #expect(chmod.status == 0)
        let server = server(group: "daemon")
        try await server.start()
        let curl = ["curl", "-sS", "--unix-socket", path, "http://localhost/"]
        func asUser(_ groups: String) async throws -> CommandResult {
            try await run(
                "setpriv", "--reuid", "65534", "--regid", "65534", groups, curl[0], curl[1],
                curl[2], curl[3], curl[4])
        }
        #expect(try await asUser("--clear-groups").status == 7)
        #expect(try await asUser("--groups=1").output.contains("uid: 65534"))
        await server.stop()
    }

    @Test func `takes over the socket of a process that died`() async throws {
        // A socket that was bound and whose process is gone: bound here, and closed.
        let stale = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8)) }
        let bound = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(stale, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        #expect(bound == 0)
        close(stale)
        #expect(exists(path))

        let client = HTTPClient(.unix(path: path))
        await #expect(throws: HTTPClientError.refused(.unix(path: path))) {
            _ = try await client.send(.get, "/")
        }
        let server = server()
        try await server.start()
        #expect(try await client.send(.get, "/").status == 200)
        await server.stop()
    }

    @Test func `leaves the socket of a live process alone`() async throws {
        let first = server()
        try await first.start()
        await #expect(throws: HTTPServerError.alreadyRunning(path: path)) {
            try await server().start()
        }
        #expect(try await HTTPClient(.unix(path: path)).send(.get, "/").status == 200)
        await first.stop()
    }

    @Test func `of many that start at once, one gets the socket`() async throws {
        let path = path
        let started = try await withThrowingTaskGroup(of: HTTPServer?.self) { group in
            for _ in 0..<16 {
                group.addTask {
                    let server = HTTPServer(endpoint: .unix(path: path)) { _ in .text("ok") }
                    do {
                        try await server.start()
                        return server
                    } catch HTTPServerError.alreadyRunning {
                        return nil
                    }
                }
            }
            return try await group.reduce(into: [HTTPServer]()) {
                if let one = $1 { $0.append(one) }
            }
        }
        #expect(started.count == 1)
        #expect(try await HTTPClient(.unix(path: path)).send(.get, "/").status == 200)
        for server in started { await server.stop() }
    }

    @Test func `does not remove what is not a socket`() async throws {
        let file = try directory.write("control.sock", "precious")
        await #expect(throws: HTTPServerError.notASocket(path: file)) {
            try await server().start()
        }
        #expect(try String(contentsOfFile: file, encoding: .utf8) == "precious")
    }

    @Test func `a missing directory and a path too long are errors that say so`() async throws {
        let missing = "\(directory.path)/none/control.sock"
        await #expect(throws: HTTPServerError.directoryMissing(path: missing)) {
            try await server(path: missing).start()
        }
        let long = directory.path + "/" + String(repeating: "x", count: 107)
        await #expect(throws: HTTPServerError.pathTooLong(path: long)) {
            try await server(path: long).start()
        }
    }

    @Test func `stop leaves the socket of a successor in place`() async throws {
        let first = server()
        try await first.start()
        try FileManager.default.removeItem(atPath: path)
        let second = server()
        try await second.start()
        await first.stop()
        #expect(exists(path))
        #expect(try await HTTPClient(.unix(path: path)).send(.get, "/").status == 200)
        await second.stop()
    }
}
