"""How a report's page looks. Every pair of text and ground has a contrast of 4.5 to 1 or more."""

from __future__ import annotations

from typing import Final

STYLE: Final = """\
:root{color-scheme:light dark;--ground:#f4f5f7;--card:#fff;--text:#1a1d23;--soft:#565d6b;\
--line:#dfe2e8;--s0:#2563eb;--s1:#c2570c;--s2:#0f8a6d;--s3:#7b8494;--warn:#9a3412;--warnbg:#fff3e8}
@media (prefers-color-scheme:dark){:root{--ground:#101318;--card:#191d24;--text:#e8eaee;\
--soft:#a3abb9;--line:#303641;--s0:#6ea8fe;--s1:#f5a623;--s2:#3ccfa4;--s3:#8a93a3;\
--warn:#ffc38a;--warnbg:#33241a}}
*{box-sizing:border-box}
body{margin:0;background:var(--ground);color:var(--text);\
font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif}
main{max-width:1180px;margin:0 auto;padding:28px 20px 48px}
h1{font-size:26px;line-height:1.2;margin:0 0 4px;letter-spacing:-.01em}
h2{font-size:17px;line-height:1.3;margin:0}
h3{font-size:15px;margin:16px 0 4px}
p{margin:0}
a{color:var(--s0)}
.when{font-size:19px;font-weight:600;margin:0 0 6px}
.soft,.note{color:var(--soft)}
.note{margin-top:2px;font-size:14px}
header{margin-bottom:22px}
nav ul{display:flex;flex-wrap:wrap;gap:6px 18px;list-style:none;padding:0;margin:12px 0 0}
article+article{border-top:3px solid var(--line);margin-top:40px;padding-top:28px}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(102px,1fr));gap:12px;\
margin:0 0 16px}
.tiles div,.card{background:var(--card);border:1px solid var(--line);border-radius:10px}
.tiles div{padding:12px 14px;display:flex;flex-direction:column-reverse;justify-content:flex-end}
.tiles dt{color:var(--soft);font-size:13px;line-height:1.3}
.tiles dd{margin:0;font-size:23px;line-height:1.25;font-weight:650;\
font-variant-numeric:tabular-nums}
.cards{display:grid;grid-template-columns:minmax(0,1fr) minmax(0,1fr);gap:16px}
.card{padding:18px 20px 16px;min-width:0}
.wide{grid-column:1/-1}.brief{align-self:start}
@media (max-width:820px){.cards{grid-template-columns:minmax(0,1fr)}\
main{padding:18px 12px 32px}.card{padding:14px}.tiles{grid-template-columns:1fr 1fr;gap:8px}\
h1{font-size:22px}}
figure{margin:10px 0 0}
.legend{display:flex;flex-wrap:wrap;gap:2px 16px;font-size:13px;color:var(--soft);\
list-style:none;margin:0 0 6px;padding:0}
.legend svg{vertical-align:-1px;margin-right:6px}
.chart{display:flex}
.plot{flex:1;min-width:0;overflow:visible}
.axis{flex:none}
svg text{fill:var(--soft);font-size:12px;font-variant-numeric:tabular-nums}
.line{stroke:var(--line)}.base{stroke:var(--soft)}
.slot{fill:transparent}g:hover .slot{fill:var(--line);fill-opacity:.5}
.s0{fill:var(--s0)}.s1{fill:var(--s1)}.s2{fill:var(--s2)}.s3{fill:var(--s3)}
.scroll{overflow:auto;max-height:520px;margin-top:10px}
.scroll thead th{position:sticky;top:0;background:var(--card);box-shadow:inset 0 -1px var(--line)}
.scroll:focus-visible,summary:focus-visible{outline:2px solid var(--s0);outline-offset:2px}
table{border-collapse:collapse;width:100%;font-size:14px}
caption{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
th{font-size:12.5px;font-weight:600;color:var(--soft);text-align:left;white-space:nowrap}
th,td{padding:5px 12px 5px 0;border-bottom:1px solid var(--line);vertical-align:top}
th:last-child,td:last-child{padding-right:0}
tbody tr:last-child td,tbody tr:last-child th{border-bottom:0}
.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
.t{white-space:nowrap;font-variant-numeric:tabular-nums}
.x{overflow-wrap:anywhere;min-width:124px}
.code{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,"Liberation Mono",monospace;\
font-size:13px}
.rank{table-layout:fixed}
.rank td{padding-top:6px}
.rank .label{font-weight:400;color:var(--text);white-space:normal;font-size:14px}
.rank .code{font-size:13px}
.rank .x{width:52%;min-width:0}
.rank .n{width:74px}.rank thead .n{white-space:normal}
.rank .bar{display:block;margin-top:5px}
.facts+.note{margin-top:14px}
.empty{margin-top:8px;color:var(--soft)}
.none{color:var(--soft);font-style:italic}
details{margin-top:10px}
summary{cursor:pointer;color:var(--soft);font-size:13px}
footer{margin-top:16px}
.facts{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:10px 20px;\
margin:10px 0 0}
.facts dt{color:var(--soft);font-size:13px}
.facts dd{margin:0;font-variant-numeric:tabular-nums;overflow-wrap:anywhere}
.warn{background:var(--warnbg);color:var(--warn);border-radius:8px;padding:8px 12px;margin-top:12px}
.gaps{margin:8px 0 0;padding-left:20px;font-size:14px;overflow-wrap:anywhere}
@media print{body{background:#fff}.card{break-inside:avoid}details{display:none}\
.scroll{max-height:none}}
"""
