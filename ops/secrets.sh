#!/bin/sh
# Makes the passwords that docker-compose.yml reads from files: random, once, never in an image, an environment or git.
#   sh ops/secrets.sh
# Whoever can enter the folder can read them; the files themselves are readable by all, as containers have users of their own.
set -eu
folder=$(dirname "$0")/secrets
mkdir -p "$folder"
chmod 700 "$folder"

random() { od -An -N24 -tx1 /dev/urandom | tr -d ' \n'; }
make() {
  if [ -s "$folder/$1" ]; then echo "kept   $folder/$1"; return; fi
  printf '%s' "$2" > "$folder/$1"
  chmod 644 "$folder/$1"
  echo "wrote  $folder/$1"
}

make postgres_password "$(random)"
make grafana_password "$(random)"
make admin_token "$(random)"
make database_url "postgresql://sluice:$(cat "$folder/postgres_password")@postgres:5432/sluice"
