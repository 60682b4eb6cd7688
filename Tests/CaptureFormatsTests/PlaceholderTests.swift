import Testing

@testable import CaptureFormats
