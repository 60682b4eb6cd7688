# Boots a guest on a prepared kernel and gets its results back. Sourced by scripts/lab.

# boot_binary [optional]: prints the absolute path of the binary under test. Without one it fails, or,
# where a binary is optional, prints nothing.
boot_binary() {
    local candidate
    for candidate in ${PROBE_BIN:+"$PROBE_BIN"} "$lab_root"/.build/{release,debug}/probe; do
        if [[ -x $candidate && -f $candidate ]]; then
            readlink -f "$candidate"
            return
        fi
        # A name that was given is meant: never test another binary in its place.
        [[ -z ${PROBE_BIN-} ]] || fail "PROBE_BIN=$PROBE_BIN is not an executable file"
    done
    [[ ${1-} == optional ]] || fail 'no binary to test: run swift build, or set PROBE_BIN'
}

# boot_folder NAME: makes this run's folder and prints its path.
boot_folder() {
    local folder
    mkdir -p "$lab_cache/runs"
    # Results are kept for a look afterwards, not for ever.
    find "$lab_cache/runs" -mindepth 1 -maxdepth 1 -mmin +1440 -exec rm -rf {} +
    folder=$(mktemp -d "$lab_cache/runs/$(date +%m%d-%H%M%S)-$1-XXXX")
    : >"$folder/output"
    printf '%s\n' "$folder"
}

# Shows why a guest failed, and fails.
boot_failed() {
    local run=$1
    shift
    {
        printf 'lab: %s\n' "$*"
        printf 'lab: the end of %s:\n' "$run/console.log"
        tail -n 25 "$run/console.log" | tr -d '\r' | sed 's/^/    | /'
    } >&2
    exit 70
}

# boot KERNEL RUN SECONDS DIRECTORY KEEP…: boots, runs RUN/job in DIRECTORY, shows its output and waits
# for the guest to power off. RUN/status then holds the job's exit status. The KEEP paths stay
# visible in the guest where it has its own /tmp, /run and so on.
boot() {
    local kernel=$1 run=$2 limit=$3 directory=$4 folder path machine follower='' status=0
    shift 4
    folder=$(kernel_prepare "$kernel")
    printf '%s\n' "$directory" >"$run/directory"
    printf '%s\n' "$lab_root" "$directory" "$@" | sed '/^$/d' | sort -u >"$run/keep"
    for path in "$lab_root" "$run" "$folder"; do
        # Kernel command lines and QEMU options have no quoting for these.
        [[ $path != *[[:space:],]* ]] || fail "the lab cannot boot from a path with spaces or commas: $path"
    done

    local arguments=(
        panic=-1 quiet loglevel=3
        lab_run="$run" lab_modules="$folder" lab_kernel="$kernel"
    )
    local terminal=
    [[ ! -e $run/interactive ]] || terminal=yes
    case $kernel in
    qemu)
        # TCG even where /dev/kvm exists: nested virtualisation is often there and hangs.
        machine=(
            qemu-system-x86_64 -accel tcg,thread=multi -cpu max -smp 2 -m 1536
            -nodefaults -no-user-config -no-reboot -display none
            -chardev "stdio,id=console,signal=off${terminal:+,logfile=$run/console.log}" -serial chardev:console
            -kernel "$folder/vmlinuz" -initrd "$folder/initramfs.gz"
            -virtfs local,path=/,mount_tag=root,security_model=none,multidevs=remap,readonly=on
            -virtfs "local,path=$run,mount_tag=lab_run,security_model=none,multidevs=remap"
            -append "console=ttyS0 ${arguments[*]} lab_init=$lab_folder/guest-init"
        )
        ;;
    uml)
        # Its control socket's path must fit sockaddr_un, which a path in a checkout may not.
        path=$(mktemp -d)
        machine=(
            linux.uml mem=1G umid=lab uml_dir="$path/"
            rootfstype=hostfs rootflags=/ root=/dev/root ro con0=fd:0,fd:1 con=null
            "${arguments[@]}" init="$lab_folder/guest-init"
        )
        ;;
    esac

    if [[ -n $terminal ]]; then
        timeout --foreground --kill-after=5 "$limit" "${machine[@]}" || status=$?
        [[ ! -t 0 ]] || stty sane
    else
        timeout --kill-after=5 "$limit" "${machine[@]}" </dev/null >"$run/console.log" 2>&1 &
        machine=$!
        # `timeout` leads a process group of its own, which an interrupt from the keyboard does not reach.
        trap 'kill "$machine" "$follower" 2>/dev/null; exit 130' INT TERM HUP
        boot_watch "$run" "$machine" &
        tail -n +1 -s 0.2 -f --pid="$machine" "$run/output" &
        follower=$!
        wait "$machine" || status=$?
        wait "$follower" || true
        trap - INT TERM HUP
    fi
    [[ $kernel != uml ]] || rm -rf "$path"

    [[ -n $terminal ]] && return
    [[ -e $run/started ]] || boot_failed "$run" "the $kernel guest did not boot (status $status)"
    [[ $status -ne 124 && $status -ne 137 ]] ||
        boot_failed "$run" "the $kernel guest did not finish within $limit s and was stopped"
    [[ -e $run/status ]] || boot_failed "$run" "the $kernel guest died before its job ended (status $status)"
}

# Ends a guest that does not come up, long before its time limit.
boot_watch() {
    local waited
    for ((waited = 0; waited < 120; waited++)); do
        sleep 1
        [[ ! -e $1/started ]] || return 0
        kill -0 "$2" 2>/dev/null || return 0
    done
    kill "$2" 2>/dev/null || true
}
