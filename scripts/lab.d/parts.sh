# What scenarios are made of, all of it: sourced by whatever runs one, with $lab_folder set.

for lab_part in catalogue suites firewall underlay topology faults checks paths health senders rekeys strongswan diagnosis; do
    . "$lab_folder/$lab_part.sh"
done
