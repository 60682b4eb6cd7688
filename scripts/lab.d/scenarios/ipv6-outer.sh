# A VTI tunnel between IPv6 endpoints, IPv4 inside, three routers on the way.
#
# expect: healthy/0
# kernel: uml qemu
# timeout: 240

set_up() { topology --tunnel vti --outer 6 --routers 3; }

check() { check_now --answered inside --answered outside --no-critical; }
