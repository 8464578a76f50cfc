"""How the first page looks, and the script that keeps it fresh without losing the reader's place."""

STYLE = """
:root{color-scheme:light dark;--paper:#f6f5f1;--card:#fff;--ink:#22252b;--quiet:#686f7b;--line:#e3e1da;
--good:#2f8f5b;--bad:#c8402f;--warn:#b97a10;--idle:#b3b6bd;--accent:#3b62a8}
@media (prefers-color-scheme:dark){:root{--paper:#15171b;--card:#1d2026;--ink:#e4e6ea;--quiet:#949ba8;--line:#2d3139;
--good:#4fbf83;--bad:#f0705f;--warn:#e0a63c;--idle:#5a606b;--accent:#8fb2f0}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:15px/1.5 system-ui,-apple-system,"Segoe UI",sans-serif}
main{max-width:1120px;margin:0 auto;padding:28px 20px 40px}
header{display:flex;flex-wrap:wrap;align-items:center;gap:4px 14px;margin-bottom:18px}
h1{font-size:26px;letter-spacing:-.02em;margin:0}
h2{font-size:12px;letter-spacing:.08em;text-transform:uppercase;color:var(--quiet);margin:0 0 8px;font-weight:600}
header p{margin:0}header .quiet{margin-left:auto}.reason{flex-basis:100%;color:var(--warn)}
.level{padding:2px 12px;border-radius:99px;font-weight:600;color:#fff;background:var(--idle)}
.level.full{background:#2f8f5b}.level.reduced{background:#a56a08}.level.minimal{background:#b9541a}
.level.emergency{background:#b93325}
section{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:14px 16px;margin-bottom:14px;
overflow-x:auto}
.figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(130px,1fr));gap:8px}
.figure b{display:block;font-size:28px;line-height:1.2;font-variant-numeric:tabular-nums}
.figure span,.quiet,small{color:var(--quiet)}b.bad{color:var(--bad)}
.pair{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,420px),1fr));gap:0 14px;align-items:stretch}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
th{text-align:left;font-weight:500;color:var(--quiet);font-size:13px}
td,th{padding:4px 14px 4px 0;vertical-align:top}tr+tr td{border-top:1px solid var(--line)}
td:first-child,td:nth-child(n+5),.runs{white-space:nowrap}td small{display:block}
.dot{display:inline-block;width:9px;height:9px;border-radius:50%;margin-right:8px;background:var(--idle)}
.dot.good{background:var(--good)}.dot.bad{background:var(--bad)}
meter{width:90px;height:12px;vertical-align:middle}
article{padding:8px 0;border-top:1px solid var(--line)}h2+article{border:0;padding-top:0}
article p{margin:0;white-space:pre-wrap;overflow-wrap:anywhere}
.state{font-weight:600;color:var(--accent)}.state.confirmed,.state.reconciled{color:var(--good)}
.state.unknown,.state.needs_human{color:var(--warn)}.state.failed_definite{color:var(--bad)}
ul{list-style:none;margin:0;padding-left:16px;border-left:1px solid var(--line)}
ul.tree{padding:0;border:0}
ul.tree>li>ul{display:grid;gap:6px 14px;padding:0;border:0;
grid-template-columns:repeat(auto-fit,minmax(190px,1fr))}
li{padding:1px 0}li span+span{margin-left:4px;font-size:12px}li small{margin-left:8px}
.again{color:var(--warn)}footer{color:var(--quiet);font-size:13px}a{color:var(--accent)}
body.stale main{opacity:.45}
"""

SCRIPT = """
setInterval(async()=>{try{const answer=await fetch("/",{cache:"no-store"});const fresh=new DOMParser()
.parseFromString(await answer.text(),"text/html").querySelector("main");if(!fresh)throw 0;
document.querySelector("main").replaceWith(fresh);document.body.className=""}
catch{document.body.className="stale"}},3000)
"""
