internal import NIOSSL

/// The content of a web configuration file, as Prometheus' exporters share it:
/// <https://github.com/prometheus/exporter-toolkit/blob/master/docs/web-configuration.md>.
///
/// Every key of that page is known here. Those that ask for something this server does not do are
/// refused with the reason, rather than accepted and not done.
struct WebConfiguration {
    /// PEM text: in a file, or in the configuration itself.
    struct Credential {
        enum Place {
            case file(String)
            case inline(String)
        }

        var place: Place
        /// Where the configuration names it.
        var line: Int
        var column: Int
    }

    enum ClientAuthentication {
        case none
        case verifyIfGiven
        case required
    }

    struct TLS {
        var certificate: Credential
        var key: Credential
        var clientCA: Credential?
        var clientAuthentication = ClientAuthentication.none
        var minimumVersion = TLSVersion.tlsv12
        var maximumVersion = TLSVersion.tlsv13
        var cipherSuites: [NIOTLSCipher]?
        var curves: [NIOTLSCurve]?
    }

    var tls: TLS?
    var headers: [(name: String, value: String)] = []
    var users: [String: BcryptHash] = [:]

    /// Reads a file's text.
    ///
    /// Relative file names in it are relative to the file's own directory.
    init(parsing text: [UInt8], path: String) throws(WebConfigurationError) {
        let document: YAMLNode?
        do {
            document = try YAMLReader.document(in: text)
        } catch {
            throw WebConfigurationError(
                path: path, line: error.line, column: error.column,
                reason: "not YAML: \(error.reason)")
        }
        guard let document, !document.isNull else { return }  // An empty file secures nothing.
        let file = WebConfigurationFile(path: path)
        for (key, value, name) in try file.entries(
            of: document, what: "the file",
            allowed: ["tls_server_config", "http_server_config", "basic_auth_users", "rate_limit"])
        {
            switch name {
            case "tls_server_config": tls = try file.tls(value)
            case "http_server_config": headers = try file.headers(value)
            case "basic_auth_users": users = try file.users(value)
            default:
                throw file.error(key, "'rate_limit' is not supported; remove it")
            }
        }
    }
}
