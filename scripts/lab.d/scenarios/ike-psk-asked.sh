# It failed before anyone watched: `probe now` cannot know, but may have charon try once and hears why.
#
# expect: down/2
# kernel: uml qemu
# timeout: 240

set_up() { topology --edges 1 --ike; }

check() {
    ike_defaults
    ike[e1.secret]='something else'
    ike_start
    ike_initiate
    ike_configuration
    note tries-before "$(grep -c 'vici initiate CHILD_SA' "$work/c.charon.log")"
    probe_now unasked
    note tries-unasked "$(grep -c 'vici initiate CHILD_SA' "$work/c.charon.log")"
    facts unasked <<-END
		file(c.charon.log) matches received AUTHENTICATION_FAILED notify error
		ike.failure = null
		ike.failure_reason matches .
		noted(tries-unasked) = noted(tries-before)
	END
    ike_configuration 'ike_initiate = true'
    probe_now asked
    note tries-asked "$(grep -c 'vici initiate CHILD_SA' "$work/c.charon.log")"
    facts_all asked <<-END
		noted(tries-before) = 1
		noted(tries-asked) = 2
		ike.failure = authentication
	END
}
