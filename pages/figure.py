"""Figure: the panels of the explorer as one Plotly figure for papers and slides."""

from pages._ui import frame
from pages._ui.figure_page import page

frame.show(page)
