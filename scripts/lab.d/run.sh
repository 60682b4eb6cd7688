# `scripts/lab run`: sorts scenarios into as few boots as possible, boots, and sums up. Sourced by
# scripts/lab.

# run_scenarios NAME…: exit status 0 only when all passed.
run_scenarios() {
    local name wanted choice folder boots=() started=$EPOCHREALTIME
    local -A crowd=() alone=()
    PROBE_BIN=$(boot_binary)
    printf 'lab: testing %s\n' "$PROBE_BIN"

    for name; do
        wanted=$(catalogue_field "$name" kernel any)
        choice=${kernel:-$(catalogue_kernel "$name")}
        [[ $wanted == any || $wanted == "$choice" ]] || {
            printf 'lab: %s needs --kernel %s\n' "$name" "$wanted" >&2
            exit 64
        }
        if [[ $(catalogue_field "$name" alone no) == yes ]]; then
            alone[$choice]+=" $name"
        else
            crowd[$choice]+=" $name"
        fi
    done

    # Different kernels side by side; what measures microseconds afterwards, on a quiet host.
    run_boots crowd
    run_boots alone
    run_summary "$started" "$@"
}

# run_boots crowd|alone: boots each kernel that has scenarios in the named table, at the same time.
run_boots() {
    local -n table=$1
    local choice folder pids=() pid
    for choice in "${!table[@]}"; do
        folder=$(boot_folder "$choice")
        boots+=("$folder")
        run_boot "$choice" "$folder" "$1" ${table[$choice]} &
        pids+=("$!")
    done
    # A boot that failed has said so; its scenarios have no result, which is a failure below.
    for pid in "${pids[@]}"; do wait "$pid" || true; done
}

# run_boot KERNEL FOLDER crowd|alone NAME…
run_boot() {
    local choice=$1 folder=$2 crowd=$3 name total=0 longest=0 seconds limit_here=$limit width
    shift 3
    width=${jobs:-8}
    [[ $crowd != alone ]] || width=1
    for name; do
        seconds=$(catalogue_field "$name" timeout 60)
        total=$((total + seconds))
        ((seconds <= longest)) || longest=$seconds
    done
    # Scenarios have limits of their own; this one is for a guest that hangs.
    [[ -n $limit_here ]] || limit_here=$((90 + longest + total / width))
    {
        printf 'export PROBE_BIN=%q lab_folder=%q\n' "$PROBE_BIN" "$lab_folder"
        printf 'exec bash %q %q' "$lab_folder/guest-run" "$width"
        printf ' %q' "$@"
        printf '\n'
    } >"$folder/job"
    boot "$choice" "$folder" "$limit_here" "$lab_root" "$PROBE_BIN"
}

# run_summary STARTED NAME…: the table.
run_summary() {
    local started=$1 name result folder status=0 expected got seconds verdict passed=0
    shift
    printf '\n%-20s %-18s %-18s %8s  %s\n' SCENARIO EXPECTED GOT SECONDS RESULT
    for name; do
        result=''
        for folder in "${boots[@]}"; do
            [[ ! -e $folder/results/$name/result ]] || result=$folder/results/$name
        done
        if [[ -n $result ]]; then
            read -r got seconds verdict <"$result/result"
        else
            got='no result' seconds=- verdict=FAIL
        fi
        expected=$(catalogue_field "$name" expect -)
        printf '%-20s %-18s %-18s %8s  %s\n' "$name" "$expected" "$got" "$seconds" "$verdict"
        if [[ $verdict == PASS ]]; then
            passed=$((passed + 1))
        else
            status=1
            failures+=("$name ${result:-}")
        fi
    done
    for name in "${failures[@]}"; do
        result=${name#* }
        printf '\n--- %s\n' "${name%% *}"
        if [[ -n $result ]]; then
            tail -n 40 "$result/log"
            printf '(everything it left: %s)\n' "$result"
        else
            printf 'no result: its guest failed, see above\n'
        fi
    done
    printf '\nlab: %d of %d scenarios passed in %.0f s\n' "$passed" "$#" \
        "$(awk "BEGIN { print $EPOCHREALTIME - $started }")"
    exit "$status"
}
