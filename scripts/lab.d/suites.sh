# Ciphers of the lab's SAs, by short names, as `ip xfrm state` wants them. Test keys: they guard nothing.
# Sourced before topology.sh.

# 256 bits of key, 32 of salt.
readonly key_to_edge=0x000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1fa0a1a2a3
readonly key_to_customer=0x202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3fb0b1b2b3

readonly suite_names='gcm gcm-12 gcm-8 chacha ccm gmac cbc-sha1 cbc-sha256 cbc-sha384 cbc-sha512 null-sha1 null-sha256'

# suite_keys NAME KEY: sets suite_words, the algorithms and keys of an SA. No subshell: those are dear in
# the guest.
suite_keys() {
    # From the one key: 32 octets for a cipher, 35 where the salt has three, and enough for any HMAC.
    local key=$2 cipher=${2:0:66} hash=${2:0:66}${2:2:64}
    case $1 in
    gcm) suite_words="aead rfc4106(gcm(aes)) $key 128" ;;
    gcm-12) suite_words="aead rfc4106(gcm(aes)) $key 96" ;;
    gcm-8) suite_words="aead rfc4106(gcm(aes)) $key 64" ;;
    chacha) suite_words="aead rfc7539esp(chacha20,poly1305) $key 128" ;;
    ccm) suite_words="aead rfc4309(ccm(aes)) ${key:0:72} 128" ;;
    gmac) suite_words="aead rfc4543(gcm(aes)) $key 128" ;;
    cbc-sha1) suite_words="enc cbc(aes) $cipher auth-trunc hmac(sha1) ${hash:0:42} 96" ;;
    cbc-sha256) suite_words="enc cbc(aes) $cipher auth-trunc hmac(sha256) ${hash:0:66} 128" ;;
    cbc-sha384) suite_words="enc cbc(aes) $cipher auth-trunc hmac(sha384) ${hash:0:98} 192" ;;
    cbc-sha512) suite_words="enc cbc(aes) $cipher auth-trunc hmac(sha512) ${hash:0:130} 256" ;;
    null-sha1) suite_words="enc ecb(cipher_null) \"\" auth-trunc hmac(sha1) ${hash:0:42} 96" ;;
    null-sha256) suite_words="enc ecb(cipher_null) \"\" auth-trunc hmac(sha256) ${hash:0:66} 128" ;;
    *)
        echo "topology: --suite $1: $suite_names" >&2
        return 64
        ;;
    esac
}
