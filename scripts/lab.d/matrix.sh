# `scripts/lab matrix`: the scenarios with a field `matrix`, each as often as wanted, and what came of it. Sourced
# by scripts/lab after run.sh.

# matrix_names all|usual: the scenarios of the matrix; usual leaves out those that --usual leaves out.
matrix_names() {
    local name
    catalogue_names | while read -r name; do
        [[ -n $(catalogue_field "$name" matrix '') ]] || continue
        [[ $1 == all || $(catalogue_field "$name" usual yes) != no ]] || continue
        printf '%s\n' "$name"
    done
}

# matrix_run TIMES GUESTS NAME…: exits with status 0 when every run of each was right and the median time to the
# right finding is good enough.
matrix_run() {
    local times=$1 guests=$2 round name choice folder result
    shift 2
    PROBE_BIN=$(boot_binary)
    printf 'lab: testing %s\n' "$PROBE_BIN"
    mkdir -p "$lab_cache/matrix"
    find "$lab_cache/matrix" -mindepth 1 -mtime +7 -delete
    local results=$lab_cache/matrix/$(date +%m%d-%H%M%S)-$$.jsonl
    : >"$results"
    for ((round = 1; round <= times; round++)); do
        [[ $times == 1 ]] || printf '\nlab: round %d of %d\n' "$round" "$times"
        local boots=() jobs=1
        for choice in uml qemu; do
            local here=()
            for name; do
                [[ $(catalogue_kernel "$name" "$kernel") != "$choice" ]] || here+=("$name")
            done
            [[ ${#here[@]} -eq 0 ]] || matrix_boots "$choice" "$guests" "${here[@]}"
        done
        for name; do
            result=''
            for folder in "${boots[@]}"; do
                [[ ! -e $folder/results/$name/result ]] || result=$folder/results/$name
            done
            matrix_result "$name" "$round" "$result" >>"$results"
        done
    done
    printf '\n'
    /usr/bin/python3 -B "$lab_folder/matrix_table.py" table "$results"
}

# matrix_boots KERNEL GUESTS NAME…: in so many guests at a time, one scenario at a time in each: what is timed
# must have a processor.
matrix_boots() {
    local choice=$1 guests=$2 folder names guest shares=() pids=() pid
    shift 2
    names=("$@")
    for guest in "${!names[@]}"; do shares[guest % guests]+=" ${names[guest]}"; done
    for names in "${shares[@]}"; do
        folder=$(boot_folder "$choice")
        boots+=("$folder")
        run_boot "$choice" "$folder" crowd $names &
        pids+=("$!")
    done
    trap 'kill "${pids[@]}" 2>/dev/null; exit 130' INT TERM HUP
    for pid in "${pids[@]}"; do wait "$pid" || true; done
    trap - INT TERM HUP
}

# matrix_result NAME ROUND FOLDER: judges one run, and prints its line.
matrix_result() {
    local verdict=judged
    if [[ -z $3 ]]; then
        verdict=lost
    else
        run_judge "$3" || verdict=failed
    fi
    /usr/bin/python3 -B "$lab_folder/matrix_table.py" line "$1" "$2" "$(catalogue_field "$1" matrix '')" "$verdict" "${3:-.}"
}
