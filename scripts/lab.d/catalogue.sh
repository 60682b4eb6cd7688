# What scenarios there are. Each is scenarios/NAME.sh, whose comment begins with one line of
# description and holds these fields:
#
#   expect: STATE/STATUS    what `probe` must say: state of the tunnel, exit status
#   kernel: KERNEL…         kernels it can run on, qemu or uml; the first is the one it runs on unless told
#   timeout: SECONDS        for the scenario, without the boot
#   usual: no               left out by --usual: another scenario shows nearly the same
#   matrix: …               what the diagnosis must be (matrix.py); run by `scripts/lab matrix`
#   alone: yes              measures microseconds, so nothing may run beside it
#
# Sourced by scripts/lab and by the guest. A soak has made its own, in $lab_scenarios.

lab_scenarios=${lab_scenarios:-$lab_folder/scenarios}

catalogue_names() {
    local file
    for file in "$lab_scenarios"/*.sh; do
        file=${file##*/}
        printf '%s\n' "${file%.sh}"
    done
}

catalogue_check() {
    [[ $1 =~ ^[a-z0-9-]+$ && -f $lab_scenarios/$1.sh ]] && return
    printf 'lab: no scenario %s; there are: %s\n' "$1" "$(catalogue_names | paste -sd ' ')" >&2
    exit 64
}

# catalogue_field NAME FIELD DEFAULT
catalogue_field() {
    local value
    value=$(sed -n "/^#/!q; s/^# $2: *//p" "$lab_scenarios/$1.sh" | head -n 1)
    printf '%s\n' "${value:-$3}"
}

catalogue_list() {
    local name
    catalogue_names | while read -r name; do
        printf '%-22s %s\n' "$name" "$(sed -n '1s/^# //p' "$lab_scenarios/$name.sh")"
    done
}

# catalogue_kernel NAME [WANTED]: the kernel to run a scenario on; status 64 if it cannot run on WANTED.
catalogue_kernel() {
    local kernels
    kernels=$(catalogue_field "$1" kernel qemu)
    if [[ -z ${2-} ]]; then
        printf '%s\n' "${kernels%% *}"
    elif [[ " $kernels " == *" $2 "* ]]; then
        printf '%s\n' "$2"
    else
        printf 'lab: %s does not run on %s, only on: %s\n' "$1" "$2" "$kernels" >&2
        return 64
    fi
}
