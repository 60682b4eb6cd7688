# GRE protected by ESP in transport mode.
#
# The kernel hands on what transport mode decrypts when a processor is idle: beside a crowd, a second later.
#
# expect: healthy/0
# kernel: uml qemu
# timeout: 240
# alone: yes

set_up() { topology --tunnel gre-esp; }

check() { check_now --answered inside --answered outside --no-critical; }
