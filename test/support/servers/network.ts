import { type Server, serving, USER, units } from "./server.ts";

/** Names, mail, files and time. */
export const NETWORK: readonly Server[] = [
  {
    name: "BIND",
    does: "answers from a zone",
    packages: ["bind9", "bind9-dnsutils"],
    start: [
      "printf '@ 60 SOA localhost. root.localhost. 1 1 1 1 1\\n@ 60 NS localhost.\\n' >/etc/bind/db.example",
      `echo 'zone "example" { type primary; file "/etc/bind/db.example"; };' >>/etc/bind/named.conf.local`,
      "systemctl start named",
    ].join(" && "),
    request: "dig +short +tries=1 @127.0.0.1 example ns | grep .",
    answer: /^localhost\.$/,
    stop: "systemctl stop named",
  },
  {
    name: "unbound",
    does: "answers a question",
    packages: ["unbound", "bind9-dnsutils"],
    ...units("unbound"),
    request: "dig +short +tries=1 @127.0.0.1 localhost | grep .",
    answer: /^127\.0\.0\.1$/,
  },
  {
    name: "postfix",
    does: "takes a message by sendmail and one by SMTP, and delivers both",
    packages: ["postfix"],
    start: [
      "systemctl start postfix",
      `printf 'Subject: one\\n\\nfrom-sendmail\\n' | sendmail ${USER}`,
      `printf 'Subject: two\\n\\nfrom-smtp\\n' >/tmp/two && curl -sSf --mail-from root --mail-rcpt ${USER} -T /tmp/two smtp://127.0.0.1/`,
    ].join(" && "),
    request: `cd /var/mail && grep -h from-sendmail ${USER} && grep -h from-smtp ${USER}`,
    answer: /^from-sendmail\nfrom-smtp$/,
    stop: "systemctl stop postfix",
  },
  {
    name: "Dovecot",
    does: "lets a user log in, and lists mailboxes",
    packages: ["dovecot-imapd"],
    ...units("dovecot"),
    request: `curl -sSf --user ${USER}:word imap://127.0.0.1/`,
    answer: /\* LIST .*INBOX/,
  },
  {
    name: "vsftpd",
    does: "lets a user log in, and sends a file",
    packages: ["vsftpd"],
    ...units("vsftpd"),
    request: `curl -sSf --user ${USER}:word ftp://127.0.0.1/%2fetc/hostname`,
    answer: /^web$/,
  },
  {
    name: "chrony",
    does: "says what time it is, without setting the clock (-x)",
    packages: ["chrony"],
    ...serving("clock", "chronyd -x -d"),
    request: "chronyc -n tracking",
    answer: /^Reference ID/,
  },
];
