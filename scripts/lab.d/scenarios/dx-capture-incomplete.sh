# Bursts that the capture's small ring does not hold: figures are bounds, and nothing is wrong.
#
# matrix: top=none also=capture-incomplete state=healthy|degraded exit=0|1 watch=30
# kernel: uml qemu
# usual: no
# timeout: 150

diagnosed_lines=('capture_buffer = "64KiB"')

set_up() { topology --edges 1; }

# The agent gets no turn during a burst.
fault() { background e1 /usr/bin/python3 -B "$lab_folder/send_bursts.py" "$lab_prefix" 5000 2 200 "$agent"; }

check() { diagnose; }
