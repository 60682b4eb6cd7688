# `probe bundle` with real SAs and secrets in every place: none of them is in it, in any form.
#
# kernel: uml qemu
# timeout: 400

set_up() { topology --edges 1 --ike; }

# plant: a reflector's key, a password of the web interface, and secrets of daemons that are not asked.
plant() {
    reflector_secret=reflector-$(od -An -v -tx1 -N 12 /dev/urandom | tr -d ' \n')
    password_hash='$2y$10$abcdefghijklmnopqrstuvABCDEFGHIJKLMNOPQRSTU0123456789'
    libreswan_secret=ipsec-secrets-$(od -An -v -tx1 -N 12 /dev/urandom | tr -d ' \n')
    (umask 077 && printf '%s\n' "$reflector_secret" >"$work/reflector.key")
    printf 'basic_auth_users:\n  admin: %s\n' "$password_hash" >"$work/web.yml"
    printf '%s %s : PSK "%s"\n' "$customer_address" "$endpoint_address" "$libreswan_secret" >"$work/ipsec.secrets"
    agent_lines+=("web_config = \"$work/web.yml\"")
}

# bundle NAME [OPTION…]: makes $work/NAME.tar.gz, and has other tools look at it.
bundle() {
    local name=$1
    shift
    on c "$PROBE_BIN" bundle --config "$work/agent.conf" -o "$work/$name.tar.gz" "$@" >>"$work/bundles" 2>&1 || {
        echo "FAIL probe bundle $*: $(tail -n 5 "$work/bundles")"
        return 1
    }
    gunzip -t "$work/$name.tar.gz"
    tar tzf "$work/$name.tar.gz" >>"$work/bundles"
}

check() {
    local reflector_secret password_hash libreswan_secret
    ike_defaults
    plant
    ike_start
    ike_agent "reflector = \"$endpoint_address\"" "reflector_key_file = \"$work/reflector.key\""
    ike_up
    on c ip xfrm state >>"$work/states"
    ike_control c --rekey --child net >>"$work/rekey" 2>&1
    on c ip xfrm state >>"$work/states"
    bundle asked
    bundle alone --local
    on c ip xfrm state >>"$work/states"
    /usr/bin/python3 -B "$lab_folder/key_secrecy.py" collect "$work/keys" <"$work/states"
    rm "$work/states"
    /usr/bin/python3 -B "$lab_folder/bundle_secrets.py" search --keys "$work/keys" --out "$work/secrets.json" \
        --secret "${ike[c.secret]}" --secret "$reflector_secret" --secret "$password_hash" \
        --secret "$libreswan_secret" --known "$endpoint_address" "$work/asked.tar.gz" "$work/alone.tar.gz"
    rm "$work/keys"
    judge_by bundle_secrets.py judge --least 4 secrets.json
    captures_end
}
