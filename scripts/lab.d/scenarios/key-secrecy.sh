# SAs come, change and go; no key and no secret is in the agent's memory, output or log, nor in a core dump.
#
# kernel: uml qemu
# timeout: 600

set_up() { topology --edges 1 --ike; }

# collect_keys: notes the keys that the kernel has now; they are sorted out at the end, in one process.
collect_keys() { on c ip xfrm state >>"$work/states"; }

# random_key OCTETS: in hexadecimal.
random_key() { od -An -v -tx1 -N "$1" /dev/urandom | tr -d ' \n'; }

check() {
    local k sa key
    ike_defaults
    ike_start
    # A core dump would be written, were it not for the agent itself.
    echo "$work/core.%p" >/proc/sys/kernel/core_pattern
    ulimit -c unlimited
    ike_agent
    ike_up
    collect_keys
    for ((k = 1; k <= 10; k++)); do
        ike_control c --rekey --child net >>"$work/rekey" 2>&1
        collect_keys
    done
    # SAs of all algorithms' shapes, added, updated and deleted: each is an event with its keys in it.
    for ((k = 1; k <= 40; k++)); do
        sa="src 192.0.2.1 dst 192.0.2.2 proto esp spi $((0x7000 + k))"
        on c ip xfrm state add $sa mode tunnel aead 'rfc4106(gcm(aes))' "0x$(random_key 36)" 128
        on c ip xfrm state add src 192.0.2.3 dst 192.0.2.2 proto esp spi $((0x8000 + k)) mode tunnel \
            enc 'cbc(aes)' "0x$(random_key 32)" auth-trunc 'hmac(sha256)' "0x$(random_key 32)" 128
        collect_keys
        # The kernel keeps the SA's old key, and tells of the new one all the same.
        key=$(random_key 36)
        on c ip xfrm state update $sa mode tunnel aead 'rfc4106(gcm(aes))' "0x$key" 128
        printf 'aead given 0x%s 128\n' "$key" >>"$work/states"
        [[ $((k % 2)) -eq 0 ]] || on c ip xfrm state delete $sa
        [[ $((k % 10)) -ne 0 ]] || agent_status status
    done
    agent_now now
    on c "$PROBE_BIN" status --verbose --config "$work/agent.conf" >"$work/status.txt" || true
    for k in metrics api/v1/status ''; do
        curl -s --unix-socket "$work/control.sock" "http://agent/$k" >"$work/page-${k//\//-}.out"
    done
    # What is being read has been zeroed when nothing comes any more.
    sleep 2
    /usr/bin/python3 -B "$lab_folder/key_secrecy.py" collect "$work/keys" <"$work/states"
    rm "$work/states"
    /usr/bin/python3 -B "$lab_folder/key_secrecy.py" search --pid "$agent" --keys "$work/keys" \
        --secret "${ike[c.secret]}" --known "$work/control.sock" --out "$work/secrecy.json" \
        "$work/now.json" "$work/status.json" "$work/status.txt" "$work"/page-*.out "$work/agent.log"
    rm "$work/keys"
    judge_by key_secrecy.py judge --least 180 secrecy.json

    # The same signal on a process that may leave one.
    sleep 60 &
    kill -SEGV "$!"
    wait "$!" || true
    [[ -n $(find "$work" -name 'core.*') ]] || {
        echo 'FAIL this kernel writes no core dump at all'
        return 1
    }
    rm -f "$work"/core.*
    kill -SEGV "$agent"
    wait "$agent" || true
    agent=''
    [[ -z $(find "$work" -name 'core.*') ]] || {
        echo 'FAIL the agent left a core dump'
        return 1
    }
    echo 'ok   the agent leaves no core dump'
    captures_end
}
