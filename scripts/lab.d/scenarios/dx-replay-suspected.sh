# Somebody sends old ESP packets again.
#
# matrix: top=replay-suspected state=healthy exit=0
# kernel: uml qemu
# usual: no
# timeout: 150

set_up() { topology --edges 1; }

before() {
    edges_send 10
    background "$isp" /usr/bin/python3 -B "$lab_folder/inject_old.py" edge1 "$customer_address" 3
}

proof() {
    cp "$work/background.log" "$work/again"
    facts now <<-END
		file(again) matches ^[1-9][0-9]* again
		END
}

check() { diagnose; }
