// The look of the forge's pages: one inline style sheet, light and dark, no fonts or images to fetch. Data only.

export const styleSheet = `
:root{color-scheme:light dark;--bg:#fff;--soft:#f6f8fa;--line:#d1d9e0;--text:#1f2328;--dim:#59636e;--link:#0969da;--open:#1a7f37;--merged:#8250df;--closed:#cf222e;--add:#dafbe1;--del:#ffebe9;--hunk:#ddf4ff}
@media(prefers-color-scheme:dark){:root{--bg:#0d1117;--soft:#151b23;--line:#3d444d;--text:#f0f6fc;--dim:#9198a1;--link:#4493f8;--open:#238636;--merged:#8957e5;--closed:#da3633;--add:#12261e;--del:#301a1e;--hunk:#0c2d4d}}
*{box-sizing:border-box}
body{margin:0;background:var(--bg);color:var(--text);font:15px/1.5 system-ui,-apple-system,"Segoe UI","Noto Sans","DejaVu Sans",sans-serif}
a{color:var(--link);text-decoration:none}a:hover{text-decoration:underline}
:focus-visible{outline:2px solid var(--link);outline-offset:2px}
.skip{position:absolute;left:-999px}.skip:focus{left:8px;top:8px;background:var(--bg);padding:8px}
.top{background:var(--soft);border-bottom:1px solid var(--line);padding:14px 24px;font-size:17px}.top .note{color:var(--dim);font-size:13px;float:right;line-height:25px}
main{max-width:1040px;margin:0 auto;padding:24px}
h1{font-size:25px;line-height:1.25;font-weight:500;margin:0 0 8px}h1 .n{color:var(--dim);font-weight:300}
h2{font-size:18px;margin:28px 0 10px}
.meta{color:var(--dim);margin:0 0 18px}
.badge{display:inline-block;padding:3px 12px;border-radius:2em;color:#fff;font-size:13px;font-weight:600;margin-right:8px}
.open{background:var(--open)}.merged{background:var(--merged)}.closed{background:var(--closed)}
.label{display:inline-block;border:1px solid var(--line);border-radius:2em;padding:0 9px;font-size:12px;color:var(--dim);background:var(--soft);margin-left:4px}
.ref{font:12px/1.5 ui-monospace,SFMono-Regular,Menlo,"DejaVu Sans Mono",monospace;background:var(--hunk);border-radius:6px;padding:2px 6px;overflow-wrap:anywhere}
.tabs{display:flex;gap:18px;list-style:none;padding:12px 16px;margin:0;background:var(--soft);border:1px solid var(--line);border-radius:8px 8px 0 0}
.tabs a{color:var(--dim)}.tabs a[aria-current]{color:var(--text);font-weight:600}
.list{list-style:none;margin:0;padding:0;border:1px solid var(--line);border-top:0;border-radius:0 0 8px 8px}
.list li{padding:12px 16px;border-top:1px solid var(--line)}.list li:first-child{border-top:0}
.list .title{font-weight:600;font-size:16px;color:var(--text)}
.dot{display:inline-block;width:10px;height:10px;border-radius:50%;margin-right:8px}
.small{color:var(--dim);font-size:13px}
.card{border:1px solid var(--line);border-radius:8px;margin:0 0 18px;overflow:hidden}
.card>header{background:var(--soft);border-bottom:1px solid var(--line);padding:8px 16px;color:var(--dim);font-size:14px}
.card>div.text{padding:8px 16px}
.text h3{font-size:20px;border-bottom:1px solid var(--line);padding-bottom:5px;margin:16px 0 10px}.text h4{font-size:18px;margin:16px 0 8px}.text h5,.text h6{font-size:15px;margin:14px 0 6px}
.text p,.text ul,.text ol{margin:0 0 12px}.text ul,.text ol{padding-left:26px}.text li{margin:2px 0}
.text code,td.code{font:12.5px/1.5 ui-monospace,SFMono-Regular,Menlo,"DejaVu Sans Mono",monospace}
.text code{background:var(--soft);border:1px solid var(--line);border-radius:5px;padding:1px 5px;overflow-wrap:anywhere}
.text pre{background:var(--soft);border-radius:6px;padding:12px;overflow:auto}.text pre code{border:0;padding:0;background:none}
.text blockquote{margin:0 0 12px;padding:0 14px;border-left:4px solid var(--line);color:var(--dim)}
.text details{margin:0 0 12px;border:1px solid var(--line);border-radius:6px;padding:8px 12px}.text summary{cursor:pointer;font-weight:600}.text details[open]>summary{margin-bottom:8px}
.scroll{overflow-x:auto;margin:0 0 14px}.scroll table{border-collapse:collapse}
.scroll th,.scroll td{border:1px solid var(--line);padding:5px 12px;text-align:left;vertical-align:top}.scroll th{background:var(--soft)}.scroll .right{text-align:right}.scroll .center{text-align:center}
.actions{border:1px solid var(--line);border-left:4px solid var(--open);border-radius:8px;padding:16px;margin:0 0 18px;display:flex;flex-wrap:wrap;gap:12px;align-items:center}
.actions.stuck{border-left-color:var(--closed)}.actions p{margin:0;flex:1 1 320px}
button{font:inherit;font-weight:600;padding:7px 16px;border-radius:6px;border:1px solid var(--line);background:var(--soft);color:var(--text);cursor:pointer}
button.go{background:#1a7f37;border-color:#1a7f37;color:#fff}button:hover{filter:brightness(1.08)}
.file{border:1px solid var(--line);border-radius:8px;margin:0 0 16px;overflow:hidden}
.file>summary{background:var(--soft);padding:8px 14px;cursor:pointer;font:13px/1.6 ui-monospace,Menlo,"DejaVu Sans Mono",monospace;overflow-wrap:anywhere}
.plus{color:var(--open);font-weight:600}.minus{color:var(--closed);font-weight:600}
.diff{overflow-x:auto;border-top:1px solid var(--line)}.diff table{border-collapse:collapse;width:100%}
.diff td{font:12.5px/20px ui-monospace,SFMono-Regular,Menlo,"DejaVu Sans Mono",monospace;white-space:pre;padding:0 10px;vertical-align:top}
.diff td.no{color:var(--dim);text-align:right;width:1%;user-select:none}.diff .a{background:var(--add)}.diff .d{background:var(--del)}.diff .h{background:var(--hunk);color:var(--dim)}
.empty{padding:36px;text-align:center;color:var(--dim);border:1px solid var(--line);border-top:0;border-radius:0 0 8px 8px;margin:0}
`;
