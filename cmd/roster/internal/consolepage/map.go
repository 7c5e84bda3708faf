package consolepage

import (
	"fmt"
	"math"
	"slices"

	"github.com/roster-go/roster/cmd/roster/internal/api"
)

// Measures of the map, in units of its drawing.
const (
	mapWidth, mapHeight = 460, 300
	nodeRadius          = 30
	maxMapped           = 8 // regions; with more the lines cannot be told apart
)

// A regionMap is where regions and the lags between them are drawn.
type regionMap struct {
	Width, Height int
	Nodes         []mapNode
	Edges         []mapEdge
	TooMany       int // regions, if there are too many to draw
}

type mapNode struct {
	X, Y   float64
	Radius int
	Name   string
	Own    bool
	Level  string
}

type mapEdge struct {
	Lag

	Path           string
	LabelX, LabelY float64
}

// drawMap puts the regions on an ellipse, and draws a curve for each direction.
func drawMap(regions api.Regions, lags []Lag) regionMap {
	m := regionMap{Width: mapWidth, Height: mapHeight}
	names := []string{regions.Region}
	for _, r := range regions.Regions {
		if !r.Retired && r.Name != regions.Region {
			names = append(names, r.Name)
		}
	}
	slices.Sort(names)
	if len(names) > maxMapped {
		m.TooMany = len(names)
		return m
	}
	at := make(map[string]*mapNode, len(names))
	m.Nodes = make([]mapNode, len(names))
	for i, name := range names {
		// The first is on the left, the others follow clockwise.
		angle := math.Pi + 2*math.Pi*float64(i)/float64(len(names))
		node := &m.Nodes[i]
		*node = mapNode{Name: name, Own: name == regions.Region, Radius: nodeRadius, Level: levelOK, X: mapWidth / 2, Y: mapHeight / 2}
		if len(names) > 1 {
			node.X += math.Cos(angle) * (mapWidth/2 - nodeRadius - 30)
			node.Y += math.Sin(angle) * (mapHeight/2 - nodeRadius - 14)
		}
		at[name] = node
	}
	for _, l := range lags {
		from, to := at[l.From], at[l.To]
		if from == nil || to == nil || from == to {
			continue
		}
		m.Edges = append(m.Edges, curve(l, from, to))
		if rank(l.Level()) > rank(to.Level) {
			to.Level = l.Level()
		}
	}
	return m
}

// curve bends to the left of its direction, so that the two of a pair part.
func curve(l Lag, from, to *mapNode) mapEdge {
	dx, dy := to.X-from.X, to.Y-from.Y
	length := math.Hypot(dx, dy)
	ux, uy := dx/length, dy/length
	const aside, bend, room = 10, 0.13, 8
	sx, sy := from.X+ux*nodeRadius+uy*aside, from.Y+uy*nodeRadius-ux*aside
	ex, ey := to.X-ux*(nodeRadius+room)+uy*aside, to.Y-uy*(nodeRadius+room)-ux*aside
	cx, cy := (sx+ex)/2+uy*length*bend, (sy+ey)/2-ux*length*bend
	return mapEdge{
		Lag:  l,
		Path: fmt.Sprintf("M%.1f %.1fQ%.1f %.1f %.1f %.1f", sx, sy, cx, cy, ex, ey),
		// Where the curve is half-way, and a little further out.
		LabelX: (sx+2*cx+ex)/4 + uy*room, LabelY: (sy+2*cy+ey)/4 - ux*room,
	}
}
