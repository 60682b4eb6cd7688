# 4 edges send on one SA at once: what the capture predicts is what the kernel's replay window drops.
#
# Windows of 32, 64 and 1024, then 64 with jitter and loss on some edges' cables.
#
# kernel: uml qemu
# timeout: 420

set_up() { topology --edges 4; }

check() {
    replay_one_processor
    replay_case window-32 32 1500
    replay_case window-64 64 1500
    replay_case window-1024 1024 1500
    replay_shape 1 2 4 -- delay 3ms 3ms loss 3%
    replay_case reordered-64 64 1500
}
