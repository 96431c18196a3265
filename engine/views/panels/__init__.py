"""One file a panel, each with a ``PANEL``; `engine.views.panel.panels` finds them, and those of installed packages."""
