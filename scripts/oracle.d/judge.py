"""Lets the reference prototypes judge simulated streams; scripts/oracle runs it.

Writes a line of tab-separated name=value for each case. What is compared exactly is computed here in
whole nanoseconds, since 0.5 s is no boundary that a sum of floating-point seconds meets.
"""

import collections
import multiprocessing
import subprocess
import sys

WINDOWS = (1, 8, 32, 64, 128, 256, 512, 1024, 2048, 4096)
DELTA = 500_000_000
SECOND = 1_000_000_000


class RateRule:
    """classify.py's k: twice the most packets in any delta-window of the last 10 s, plus 64."""

    def __init__(self):
        self.first = None
        self.times = collections.deque()
        self.most = collections.deque()

    def k(self, t):
        if self.first is None:
            self.first = t
        self.times.append(t)
        while self.times[0] < t - DELTA:
            self.times.popleft()
        count = len(self.times)
        while self.most and self.most[-1][1] <= count:
            self.most.pop()
        self.most.append((t, count))
        while self.most[0][0] < t - 10 * SECOND:
            self.most.popleft()
        return 2 * self.most[0][1] + 64 if t - self.first >= 10 * SECOND else 1 << 40


def windows(packets):
    """What each window drops, in the kernel's own split; every receiver must agree."""
    from replay import AllWindows, LinuxBmp, LinuxEsn, LinuxLegacy, Rfc6479, SetWindow

    sequences = [p[1] for p in packets]
    epochs = [p[2] for p in packets]
    one_pass = AllWindows(1 << 20)
    for q in sequences:
        one_pass.rx(q)
    out = []
    for size in WINDOWS:
        reference = SetWindow(size)
        for q in sequences:
            reference.rx(q)
        dropped = reference.old + reference.dup + reference.zero
        assert dropped == one_pass.dropped(size), size
        others = [LinuxBmp(size)]
        if size <= 32:
            others.append(LinuxLegacy(size))
        for other in others:
            for q in sequences:
                other.rx(q)
            split = (other.st_window, other.st_replay, other.st_zero)
            assert split == (reference.old, reference.dup, reference.zero), size
        if size % 32 == 0:
            blocked = Rfc6479(size)
            assert dropped == sum(not blocked.rx(q) for q in sequences), size
        out.append('%d:%d:%d:%d' % (size, reference.old, reference.dup, reference.zero))
    esn = []
    for size in (32, 64, 1024):
        receiver = LinuxEsn(size)
        for q, epoch in zip(sequences, epochs):
            receiver.rx(q, epoch)
        esn.append(
            '%d:%d:%d:%d:%d'
            % (size, receiver.st_window, receiver.st_replay, receiver.st_zero, receiver.st_icv))
    floor = 'repeated:%d beyond:%d zero:%d' % (one_pass.dup, one_pass.far, one_pass.zero)
    return {'windows': ','.join(out), 'esn': ','.join(esn), 'floor': floor}


def bounds(first_copies):
    """The provable bounds, of packets without copies and without number 0, which nobody sends."""
    from lb import Multiplicity, SenderLowerBound, WindowedLB

    bound, rule = SenderLowerBound(DELTA, 1 << 40), RateRule()
    windowed, windows_rule, window_bounds, window = WindowedLB(60 * SECOND, DELTA, 1 << 40), RateRule(), [], None
    multiplicity = Multiplicity()
    heights = 0
    for p in first_copies:
        t, q = p[0], p[1]
        if q == 0:
            continue
        bound.k = rule.k(t)
        heights += bound.add(t, q)
        # WindowedLB makes a new bound with its own k, and the rate outlives the window.
        windowed.k = windows_rule.k(t)
        if windowed.cur:
            windowed.cur.k = windowed.k
        windowed.add(t, q)
        if windowed.cur is not window:
            if window:
                window_bounds.append(window.best)
            window = windowed.cur
        multiplicity.add(q, p[6])
    window_bounds.append(window.best if window else 0)
    counts = [len(multiplicity.m.get(q, ())) for q in range(1, 65)]
    while counts and not counts[-1]:
        counts.pop()
    return {
        'lb': bound.best,
        'heights': heights,
        'windowed': ','.join(map(str, window_bounds)),
        'multiplicity': ','.join(map(str, counts)),
    }


def fingerprint(first_copies):
    """What ivfp.py says; the corrected choice of algorithms §4 is the test's, from the truth."""
    from ivfp import IvFingerprint

    iv, keys, decided = IvFingerprint(), set(), 0
    for number, p in enumerate(first_copies):
        key = iv.add(p[5], p[1])
        if iv.mode not in (None, 'none') and not decided:
            decided = number + 1
        if key is not None:
            keys.add(key)
    return {'iv': '%s:%d:%d' % (iv.mode, decided, len(keys))}


def classification(packets):
    """The tracker's numbers and the verdicts."""
    from classify import StreamClassifier

    c = StreamClassifier()
    for p in packets:
        c.add(p[0] / 1e9, p[1], p[3], p[4], p[6])
    tracker, estimate = c.mct, c.mct.sender_estimate()
    unique = max(1, c.n - len(c.dups))
    merged, verdicts = c.merged_senders(), sorted(c.verdicts())
    return {
        'active': estimate['confirmed'],
        'few': estimate['singles'],
        'instances': estimate['instances'],
        'chao1': '%.1f' % estimate['chao1'],
        'growing': int(estimate['growing']),
        'confidence': '%.4f' % (tracker.conf_sum / unique),
        'lost': tracker.lost,
        'outage': tracker.outage,
        'fills': tracker.reo,
        'false-fills': '%.1f' % tracker.false_fills(),
        'colocation': '%.3f' % (tracker.coloc / max(1, tracker.colocn)),
        'merged': merged,
        'verdicts': ','.join(verdicts),
    }


def judge(task):
    binary, case = task
    text = subprocess.run([binary] + case.split(), check=True, capture_output=True, text=True).stdout
    lines = text.splitlines()
    packets = [tuple(map(int, line.split())) for line in lines[1:]]
    first_copies = [p for p in packets if p[9] == 0]
    result = {'case': case, 'truth': lines[0]}
    result.update(windows(packets))
    result.update(bounds(first_copies))
    result.update(fingerprint(first_copies))
    result.update(classification(packets))
    print('.', end='', file=sys.stderr, flush=True)
    return '\t'.join('%s=%s' % item for item in result.items())


if __name__ == '__main__':
    prototypes, binary, case_file = sys.argv[1:4]
    sys.path.insert(0, prototypes)
    cases = [line.strip() for line in open(case_file)]
    cases = [line for line in cases if line and not line.startswith('#')]
    with multiprocessing.Pool(processes=2) as pool:
        for line in pool.imap(judge, [(binary, case) for case in cases]):
            print(line)
