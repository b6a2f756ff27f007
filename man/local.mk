# Man pages, written in roff. A page that is ready is listed here.
dist_man_MANS =
