package rostertest

import "github.com/roster-go/roster"

// A holdable registry is one whose values are leased and whose versions are pinned.
type holdable interface{ Holders() []roster.Holder }

var _ holdable = (*roster.Hot[int])(nil)

// holders says of each lease and pin of a hot registry that is held what it is and where it
// was acquired. Other registries have none.
func holders(reg roster.Inspector) []string {
	hot, ok := reg.(holdable)
	if !ok {
		return nil
	}
	var held []string
	for _, holder := range hot.Holders() {
		held = append(held, holder.String()) // the text has no time in it, so it compares
	}
	return held
}
