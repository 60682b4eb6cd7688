internal import Glibc
internal import NIOCore
internal import NIOSSL
internal import Synchronization

/// The certificate and key of a server, loaded anew when their files have changed.
final class TLSCredentials: Sendable {
    /// What tells one content of a file from the next.
    private struct FileStamp: Equatable {
        var inode: UInt
        var byteCount: Int
        var modifiedSeconds: Int
        var modifiedNanoseconds: Int

        init?(path: String) {
            var status = stat()
            guard unsafe stat(path, &status) == 0 else { return nil }
            inode = status.st_ino
            byteCount = status.st_size
            modifiedSeconds = status.st_mtim.tv_sec
            modifiedNanoseconds = status.st_mtim.tv_nsec
        }
    }

    private struct State {
        var context: NIOSSLContext
        var stamps: [FileStamp?]
        var error: WebConfigurationError?
    }

    private let settings: WebConfiguration.TLS
    private let path: String
    private let files: [String]
    private let state: Mutex<State>

    /// Loads the files.
    init(_ settings: WebConfiguration.TLS, path: String) throws(WebConfigurationError) {
        self.settings = settings
        self.path = path
        files = [settings.certificate, settings.key, settings.clientCA].compactMap {
            guard case .file(let file)? = $0?.place else { return nil }
            return file
        }
        // Stamps first: a change during the load is then seen at the next handshake.
        let stamps = files.map(FileStamp.init(path:))
        state = Mutex(
            State(context: try Self.context(for: settings, path: path), stamps: stamps))
    }

    /// A handler for the next connection.
    ///
    /// Files that have changed and cannot be used leave the certificate that was loaded before in
    /// place; `error` then says what is wrong with them.
    func makeHandler() -> NIOSSLServerHandler {
        let context = state.withLock { state in
            let stamps = files.map(FileStamp.init(path:))
            if stamps != state.stamps {
                state.stamps = stamps
                do throws(WebConfigurationError) {
                    state.context = try Self.context(for: settings, path: path)
                    state.error = nil
                } catch {
                    state.error = error
                }
            }
            return state.context
        }
        return NIOSSLServerHandler(context: context)
    }

    /// Why the files as they are now are not in use; nil when they are.
    var error: WebConfigurationError? { state.withLock { $0.error } }

    private static func context(
        for settings: WebConfiguration.TLS, path: String
    ) throws(WebConfigurationError) -> NIOSSLContext {
        func fail(
            _ credential: WebConfiguration.Credential, _ reason: String
        ) -> WebConfigurationError {
            let name = if case .file(let file) = credential.place { "\(file): " } else { "" }
            return WebConfigurationError(
                path: path, line: credential.line, column: credential.column,
                reason: name + reason)
        }
        func bytes(_ credential: WebConfiguration.Credential) throws(WebConfigurationError)
            -> [UInt8]
        {
            switch credential.place {
            case .inline(let text): return Array(text.utf8)
            case .file(let file):
                do {
                    return try readFile(file, limit: 1 << 20)
                } catch {
                    throw fail(credential, error.reason)
                }
            }
        }
        func certificates(
            _ credential: WebConfiguration.Credential
        ) throws(WebConfigurationError) -> [NIOSSLCertificate] {
            let pem = try bytes(credential)
            do {
                return try NIOSSLCertificate.fromPEMBytes(pem)
            } catch {
                throw fail(credential, "holds no certificate in PEM form")
            }
        }

        let chain = try certificates(settings.certificate)
        let keyBytes = try bytes(settings.key)
        let key: NIOSSLPrivateKey
        do {
            key = try NIOSSLPrivateKey(bytes: keyBytes, format: .pem)
        } catch {
            throw fail(settings.key, "holds no private key in PEM form without a passphrase")
        }
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(key))
        configuration.minimumTLSVersion = settings.minimumVersion
        configuration.maximumTLSVersion = settings.maximumVersion
        configuration.shutdownTimeout = .seconds(1)
        if let suites = settings.cipherSuites { configuration.cipherSuiteValues = suites }
        if let curves = settings.curves { configuration.curves = curves }
        if let clientCA = settings.clientCA {
            configuration.trustRoots = .certificates(try certificates(clientCA))
        }
        switch settings.clientAuthentication {
        case .none: break
        case .verifyIfGiven: configuration.certificateVerification = .optionalVerification
        case .required: configuration.certificateVerification = .noHostnameVerification
        }
        do {
            return try NIOSSLContext(configuration: configuration)
        } catch {
            throw fail(settings.key, "the key does not belong to the certificate (\(error))")
        }
    }
}

/// Why a file could not be read: the system's text.
struct FileError: Error {
    var reason: String
}

/// The bytes of a regular file of at most `limit` bytes.
func readFile(_ path: String, limit: Int) throws(FileError) -> [UInt8] {
    // O_NONBLOCK: a named pipe must not hold up the caller.
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw FileError(reason: errnoText(errno)) }
    defer { _ = close(descriptor) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 16384)
    while true {
        let count = unsafe read(descriptor, &buffer, buffer.count)
        if count < 0, errno == EINTR { continue }
        guard count >= 0 else { throw FileError(reason: errnoText(errno)) }
        if count == 0 { return bytes }
        bytes += buffer[..<count]
        guard bytes.count <= limit else { throw FileError(reason: "larger than \(limit) bytes") }
    }
}
