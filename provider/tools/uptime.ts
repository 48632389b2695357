/** A function of sh: `uptime` prints the whole seconds since the host's boot, which no change of its clock moves. */
export const UPTIME = 'uptime() { read -r seconds _ </proc/uptime && echo "${seconds%.*}"; }';
