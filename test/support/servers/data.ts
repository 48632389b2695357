import { type Server, units } from "./server.ts";

/** What keeps data, or hands it on. */
export const DATA: readonly Server[] = [
  {
    name: "PostgreSQL",
    does: "keeps a row and counts with compiled code",
    packages: ["postgresql"],
    ...units("postgresql"),
    request: `runuser -u postgres -- psql -qAt -v ON_ERROR_STOP=1 -c "create table if not exists t (w text); insert into t values ('kept'); set jit_above_cost = 0; select w, sum(1) from t group by w;"`,
    answer: /^kept\|\d+$/m,
  },
  {
    name: "MariaDB",
    does: "keeps a row",
    packages: ["mariadb-server"],
    ...units("mariadb"),
    request: `mariadb -N -e "create database if not exists x; create or replace table x.t (w text); insert into x.t values ('kept'); select w from x.t"`,
    answer: /^kept$/,
  },
  {
    name: "Redis",
    does: "keeps a word, and writes it to disk",
    packages: ["redis-server"],
    ...units("redis-server"),
    request: "redis-cli -e set word kept && redis-cli save && redis-cli get word",
    answer: /^OK\nOK\nkept$/,
  },
  {
    name: "memcached",
    does: "keeps a word",
    packages: ["memcached"],
    ...units("memcached"),
    request: `exec 3<>/dev/tcp/127.0.0.1/11211 && printf 'set word 0 0 4\\r\\nkept\\r\\nget word\\r\\nquit\\r\\n' >&3 && cat <&3`,
    answer: /STORED.*kept/s,
  },
  {
    name: "RabbitMQ",
    does: "says what hosts it has",
    packages: ["rabbitmq-server"],
    start: "systemctl start rabbitmq-server",
    request: "rabbitmqctl -q list_vhosts name",
    answer: /^\/$/m,
    stop: "systemctl stop rabbitmq-server epmd.socket epmd",
  },
];
