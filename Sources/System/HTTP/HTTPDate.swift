internal import Glibc

/// The time now as the `Date` header gives it (RFC 9110 §5.6.7): "Sun, 22 Nov 2026 12:00:00 GMT".
///
/// Written out by hand because strftime(3) would use the names of the locale.
func httpDate() -> String { httpDate(secondsSinceEpoch: time(nil)) }

/// The given time as the `Date` header gives it.
func httpDate(secondsSinceEpoch: Int) -> String {
    var seconds = secondsSinceEpoch
    var parts = unsafe tm()
    guard unsafe gmtime_r(&seconds, &parts) != nil else { return "Thu, 01 Jan 1970 00:00:00 GMT" }
    let days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
    let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]
    func two(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
    return unsafe """
    \(days[Int(parts.tm_wday)]), \(two(parts.tm_mday)) \(months[Int(parts.tm_mon)]) \
    \(parts.tm_year + 1900) \(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec)) GMT
    """
}
