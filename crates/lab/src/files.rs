//! The tutorials' files in corrected form.

use crate::{Program, Programs};

/// Does what the tutorial's script does when it is told a state.
pub(crate) const NOTIFY: &str = r#"#!/bin/bash
#
contact='root@localhost'
notify() {
local mailsubject="$(hostname) to be $1, vip floating"
local mailbody="$(date +'%F %T'): vrrp transition, $(hostname) changed to be $1"
echo "$mailbody" | mail -s "$mailsubject" $contact
}
case $1 in
master)
notify master
;;
backup)
notify backup
systemctl start nginx
;;
fault)
notify fault
;;
*)
echo "Usage: $(basename $0) {master|backup|fault}"
exit 1
;;
esac
"#;

/// One `vrrp_instance` of the second tutorial.
pub(crate) struct Instance {
    pub(crate) name: &'static str,
    pub(crate) state: &'static str,
    pub(crate) vrid: u8,
    pub(crate) priority: u8,
    pub(crate) password: &'static str,
    pub(crate) address: &'static str,
}

/// The second tutorial's keepalived.conf: without its `\\` remarks, with a router_id for each host and
/// with the notify lines in the instance, where they belong.
pub(crate) fn keepalived_conf(router_id: &str, instances: &[Instance], programs: &Programs) -> String {
    let check = check_for("/etc/keepalived/down", programs);
    // nginx tries for 2.5 s to get a port that another holds, and two checks can see it meanwhile.
    let rise = match programs.nginx {
        Program::Ours(_) => 2,
        Program::Installed => 3,
    };
    let mut text = format!(
        r#"global_defs {{
notification_email {{
jevon@danran.com
}}
notification_email_from ka_admin@danran.com
smtp_server 127.0.0.1
smtp_connect_timeout 30
router_id {router_id}
vrrp_mcast_group4 224.103.5.5
}}
vrrp_script chk_mant_down {{
script "{check}"
interval 1
weight -10
fall 2
rise 1
}}
vrrp_script chk_nginx {{
script "killall -0 nginx"
interval 2
weight -10
fall 2
rise {rise}
}}
"#
    );
    for Instance { name, state, vrid, priority, password, address } in instances {
        text.push_str(&format!(
            r#"vrrp_instance {name} {{
state {state}
interface ens33
virtual_router_id {vrid}
priority {priority}
advert_int 1
authentication {{
auth_type PASS
auth_pass {password}
}}
virtual_ipaddress {{
{address}/32
}}
notify_master "/etc/keepalived/notify.sh master"
notify_backup "/etc/keepalived/notify.sh backup"
notify_fault "/etc/keepalived/notify.sh fault"
track_script {{
chk_mant_down
chk_nginx
}}
}}
"#
        ));
    }
    text
}

/// The tutorial's check for a file, as it is written there where that works. keepalived runs scripts
/// without a shell, so that there the shell must be written out.
pub(crate) fn check_for(file: &str, programs: &Programs) -> String {
    let check = format!("[[ -f {file} ]] && exit 1 || exit 0");
    match programs.keepalived {
        Program::Ours(_) => check,
        Program::Installed => format!("/bin/bash -c '{check}'"),
    }
}

/// A director's nginx.conf: the tutorial's, `http` closed after `server`, and its sorry page where
/// requests go when no real server answers.
pub(crate) fn director_conf(programs: &Programs) -> String {
    // The processes of nginx take turns each for itself unless the turn is kept in shared memory.
    let zone = match programs.nginx {
        Program::Ours(_) => "",
        Program::Installed => "zone websrvs 64k;\n",
    };
    format!(
        "worker_processes 2;
events {{
worker_connections 1024;
}}
http {{
upstream websrvs {{
{zone}server 172.16.250.127:80;
server 172.16.253.193:80;
server 127.0.0.1:8080 backup;
}}
server {{
listen 80 default_server;
location / {{
proxy_pass http://websrvs;
}}
}}
server {{
listen 127.0.0.1:8080;
root /usr/share/nginx/html;
index index.html;
}}
}}
"
    )
}

/// A real server's nginx.conf.
pub(crate) const REAL_SERVER: &str = "events {
worker_connections 1024;
}
http {
server {
listen 80 default_server;
root /usr/share/nginx/html;
index index.html;
}
}
";
