package providers

import "github.com/roster-go/roster"

const gonumVG = "gonum.org/v1/plot/vg/"

// PlotFormats has the output formats of Gonum's plots: the names for
// draw.NewFormattedCanvas, which are the extensions of a saved plot.
func PlotFormats() roster.Catalogue { return plotFormats.catalogue() }

var plotFormats = listing{
	name:     "plot-formats",
	title:    "Gonum plot formats",
	owner:    gonumVG + "draw",
	register: []string{"RegisterFormat"},
	rows: []row{
		{"eps", gonumVG + "vgeps", ""},
		{"jpeg", gonumVG + "vgimg", ""},
		{"jpg", gonumVG + "vgimg", ""},
		{"pdf", gonumVG + "vgpdf", ""},
		{"png", gonumVG + "vgimg", ""},
		{"svg", gonumVG + "vgsvg", ""},
		{"tex", gonumVG + "vgtex", ""},
		{"tif", gonumVG + "vgimg", ""},
		{"tiff", gonumVG + "vgimg", ""},
	},
}
