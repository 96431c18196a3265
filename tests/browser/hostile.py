"""Texts that would load, link, colour or calculate something if anybody read them as Markdown or HTML; 203.0.113.0/24 belongs to nobody."""

from __future__ import annotations

HOST = "203.0.113.5"

TEXTS = [
    f"![i](http://{HOST}/b.png)",
    f"x:![t](http://{HOST}/p.png):1-2",
    f"[click](http://{HOST}/)",
    f"<http://{HOST}/>",
    f"http://{HOST}/a?b=c",
    f"https://{HOST}",
    f"HTTP://{HOST}/UP",
    f"www.{HOST}.com/x",
    "www.example.com",
    "mail me@evil.example please",
    f"ftp://{HOST}/x xmpp:a@b.c mailto:a@b.c",
    f"<img src=http://{HOST}/x.png>",
    f"<a href='http://{HOST}'>x</a>",
    f"<script>fetch('http://{HOST}')</script>",
    f"<iframe src=//{HOST}/></iframe>",
    f"[ref]: http://{HOST}",
    f"![x][ref]\n\n[ref]: http://{HOST}/r.png",
    f"[x](javascript:fetch('//{HOST}'))",
    "\\[a\\](http://x.example)",
    "http\\://x.example/",
    f"http://\u202e{HOST}",
    ":red[text] :blue-background[z] :small[q]",
    ":smile: :material/home: :streamlit:",
    "[:-]",
    "$x^2$ and $$y$$",
    "`code` **bold** _it_ ~~s~~",
    "# title",
    "1. list",
    "- list",
    "    code block",
    "a | b\n--|--\n1 | 2",
    "line\n\npara\n\n---",
    "&lt;b&gt; &#33;",
    '--> <- == != (c) \'s "q" ...',
    "footnote[^1]\n\n[^1]: x",
    "> quote",
]
