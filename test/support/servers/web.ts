import { type Server, serving, units } from "./server.ts";

const PAGE = "curl -sSf http://127.0.0.1/";
const PHP = "$(basename /usr/lib/systemd/system/php*-fpm.service)";

/** What serves pages, and what programs of web sites run in. */
export const WEB: readonly Server[] = [
  { name: "nginx", does: "serves a page", packages: ["nginx"], ...units("nginx"), request: PAGE, answer: /<title>/ },
  {
    name: "Apache",
    does: "serves a page",
    packages: ["apache2"],
    ...units("apache2"),
    request: PAGE,
    answer: /<title>/,
  },
  {
    name: "PHP-FPM",
    does: "runs a script for nginx, by a socket",
    packages: ["php-fpm", "nginx"],
    start: [
      "echo '<?php echo 6 * 7;' >/var/www/html/answer.php",
      "echo 'server { listen 81; root /var/www/html; location / { include fastcgi.conf; fastcgi_pass unix:/run/php/php-fpm.sock; } }' >/etc/nginx/conf.d/php.conf",
      `systemctl start ${PHP} nginx`,
    ].join(" && "),
    request: "curl -sSf http://127.0.0.1:81/answer.php",
    answer: /^42$/,
    stop: `systemctl stop nginx ${PHP}`,
  },
  {
    name: "HAProxy",
    does: "passes a request on to nginx",
    packages: ["haproxy", "nginx"],
    start: [
      "printf 'listen web\\n  bind 127.0.0.1:82\\n  server nginx 127.0.0.1:80\\n' >>/etc/haproxy/haproxy.cfg",
      "systemctl start nginx haproxy",
    ].join(" && "),
    request: "curl -sSf http://127.0.0.1:82/",
    answer: /<title>/,
    stop: "systemctl stop haproxy nginx",
  },
  {
    name: "Node",
    does: "serves a page of its own",
    packages: ["nodejs"],
    ...serving("node", `node -e 'require("http").createServer((_, page) => page.end("from node")).listen(83)'`),
    request: "curl -sSf http://127.0.0.1:83/",
    answer: /^from node$/,
  },
  {
    name: "Java",
    does: "serves a page",
    packages: ["default-jre-headless"],
    ...serving("java", "java -m jdk.httpserver -p 84 -d /usr/share/java"),
    request: "curl -sSf http://127.0.0.1:84/",
    answer: /Directory listing/,
  },
  {
    name: "Python",
    does: "serves a page, and shares work among processes",
    packages: ["python3"],
    ...serving("python", "python3 -m http.server -d /usr/share 85"),
    request: `curl -sSf http://127.0.0.1:85/ && python3 -c "import multiprocessing as m; print(m.Pool(2).map(abs, [-1, -2]))"`,
    answer: /<title>.*\[1, 2\]$/s,
  },
];
