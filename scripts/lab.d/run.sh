# `scripts/lab run`: sorts scenarios into as few boots as possible, boots, and sums up. Sourced by
# scripts/lab.

# run_scenarios NAME…: exits with status 0 when all passed, 1 when not, 70 when a guest failed.
run_scenarios() {
    local name choice boots=() started=$EPOCHREALTIME
    local -A crowd=() alone=()
    PROBE_BIN=$(boot_binary)
    printf 'lab: testing %s\n' "$PROBE_BIN"

    for name; do
        choice=$(catalogue_kernel "$name" "$kernel") || exit
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
# User-mode Linux has one processor, so a crowd on it is shared among as many guests as there are pairs of
# processors, up to three.
run_boots() {
    local -n table=$1
    local choice folder pids=() pid guests guest names shares
    for choice in "${!table[@]}"; do
        guests=1
        # What takes long begins first.
        mapfile -t names < <(run_longest_first ${table[$choice]})
        if [[ $choice == uml && $1 == crowd ]]; then
            guests=$(($(nproc) / 2))
            ((guests <= 3)) || guests=3
            ((guests >= 1)) || guests=1
            ((guests <= (${#names[@]} + 2) / 3)) || guests=$(((${#names[@]} + 2) / 3))
        fi
        shares=()
        for guest in "${!names[@]}"; do shares[guest % guests]+=" ${names[guest]}"; done
        for names in "${shares[@]}"; do
            folder=$(boot_folder "$choice")
            boots+=("$folder")
            run_boot "$choice" "$folder" "$1" $names &
            pids+=("$!")
        done
    done
    trap 'kill "${pids[@]}" 2>/dev/null; exit 130' INT TERM HUP
    # A boot that failed has said so; its scenarios have no result, which is a failure below.
    for pid in "${pids[@]}"; do wait "$pid" || true; done
    trap - INT TERM HUP
}

# run_longest_first NAME…: the same, by their time limits.
run_longest_first() {
    local name
    for name; do printf '%s %s\n' "$(catalogue_field "$name" timeout 60)" "$name"; done | sort -s -k 1,1nr | cut -d ' ' -f 2
}

# run_boot KERNEL FOLDER crowd|alone NAME…
run_boot() {
    local choice=$1 folder=$2 crowd=$3 name total=0 longest=0 seconds limit_here=$limit width
    shift 3
    width=${jobs:-4}
    [[ $crowd != alone ]] || width=1
    for name; do
        seconds=$(catalogue_field "$name" timeout 60)
        total=$((total + seconds))
        ((seconds <= longest)) || longest=$seconds
    done
    # Scenarios have limits of their own; this one is for a guest that hangs.
    [[ -n $limit_here ]] || limit_here=$((90 + longest + total / width))
    {
        printf 'export PROBE_BIN=%q lab_folder=%q lab_scenarios=%q\n' "$PROBE_BIN" "$lab_folder" "$lab_scenarios"
        printf 'exec bash %q %q' "$lab_folder/guest-run" "$width"
        printf ' %q' "$@"
        printf '\n'
    } >"$folder/job"
    boot "$choice" "$folder" "$limit_here" "$lab_root" "$PROBE_BIN"
}

# run_judge FOLDER: judges what a scenario left; its log grows by the judgements. Status 0 if all hold.
run_judge() (
    cd "$1"
    read -r status _ outcome <result
    if [[ $status -ne 0 ]]; then
        echo "FAIL the scenario $outcome (status $status)" >>log
        exit 1
    fi
    [[ -s judgements ]] || {
        echo 'FAIL the scenario asked for no judgement' >>log
        exit 1
    }
    failed=0
    while IFS= read -r line; do
        eval "set -- $line"
        printf '\n# %s\n' "$line" >>log
        /usr/bin/python3 -B "$lab_folder/$1" "${@:2}" >>log 2>&1 || failed=1
    done <judgements
    exit "$failed"
)

# run_summary STARTED NAME…: judges, and prints the table and what failed.
run_summary() {
    local started=$1 name folder result got seconds verdict passed=0 status=0 failures=()
    local row='%-22s %-18s %-18s %8s  %s\n'
    shift
    # shellcheck disable=SC2059
    printf "\n$row" SCENARIO EXPECTED GOT SECONDS RESULT
    for name; do
        result='' got='no result' seconds=- verdict=FAIL
        for folder in "${boots[@]}"; do
            [[ ! -e $folder/results/$name/result ]] || result=$folder/results/$name
        done
        if [[ -n $result ]]; then
            ! run_judge "$result" || verdict=PASS
            read -r _ seconds _ <"$result/result"
            got=-
            [[ ! -s $result/got ]] || got=$(<"$result/got")
        fi
        # shellcheck disable=SC2059
        printf "$row" "$name" "$(catalogue_field "$name" expect -)" "$got" "$seconds" "$verdict"
        if [[ $verdict == PASS ]]; then
            passed=$((passed + 1))
        else
            status=1
            failures+=("$name $result")
        fi
        [[ -z ${verbose-} || -z $result ]] || sed 's/^/    /' "$result/log"
    done
    for name in "${failures[@]}"; do
        result=${name#* } name=${name%% *}
        printf '\n--- %s\n' "$name"
        if [[ -z $result ]]; then
            echo 'no result: its guest failed, see above'
            status=70
            continue
        fi
        # Comparisons that hold say nothing about why others do not.
        grep -v '^ok ' "$result/log" | tail -n 60
        tail -n 5 "$result"/*.err 2>/dev/null
        printf '(everything it left: %s)\n' "$result"
    done
    printf '\nlab: %d of %d scenarios passed in %d s\n' "$passed" "$#" \
        $(((${EPOCHREALTIME/./} - ${started/./}) / 1000000))
    [[ -z ${soaking-} ]] || {
        printf '\n'
        for folder in "${boots[@]}"; do printf '%s\n' "$folder"/results/*; done |
            xargs /usr/bin/python3 -B "$lab_folder/soak.py" table || status=1
    }
    exit "$status"
}
