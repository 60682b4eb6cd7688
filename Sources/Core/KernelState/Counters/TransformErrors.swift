/// The counters of /proc/net/xfrm_stat, Documentation/networking/xfrm_proc.rst.
public enum TransformErrors {
    /// The names of Linux 6.12, in its order; a metric has them from the first scrape on.
    ///
    /// `XfrmOutStateDirError` and `XfrmInStateDirError` came with 6.10, `XfrmAcquireError` with 5.12.
    public static let names = [
        "XfrmInError", "XfrmInBufferError", "XfrmInHdrError", "XfrmInNoStates",
        "XfrmInStateProtoError", "XfrmInStateModeError", "XfrmInStateSeqError",
        "XfrmInStateExpired", "XfrmInStateMismatch", "XfrmInStateInvalid",
        "XfrmInTmplMismatch", "XfrmInNoPols", "XfrmInPolBlock", "XfrmInPolError", "XfrmOutError",
        "XfrmOutBundleGenError", "XfrmOutBundleCheckError", "XfrmOutNoStates",
        "XfrmOutStateProtoError", "XfrmOutStateModeError", "XfrmOutStateSeqError",
        "XfrmOutStateExpired", "XfrmOutPolBlock", "XfrmOutPolDead", "XfrmOutPolError",
        "XfrmFwdHdrError", "XfrmOutStateInvalid", "XfrmAcquireError", "XfrmOutStateDirError",
        "XfrmInStateDirError",
    ]
}
