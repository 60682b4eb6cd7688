# GRE protected by ESP in transport mode.
#
# expect: healthy/0
# kernel: uml qemu
# timeout: 240

set_up() { topology --tunnel gre-esp; }

check() { check_now --answered inside --answered outside --no-critical; }
