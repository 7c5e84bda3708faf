package roster

import (
	"cmp"
	"slices"
	"unicode"
)

// Limits of a search for near names, which outside input can trigger.
const (
	maxNearest      = 3
	maxNearestNames = 10_000 // candidates looked at
	maxNearestRunes = 64     // length of a name worth comparing
)

// Nearest returns the candidates that name may be a slip of, best first, at
// most three: those equal but for case, and those within a third of its length
// in edits, where an edit inserts, deletes or changes a letter or swaps two
// neighbours (optimal string alignment distance). At most the first 10,000
// candidates are looked at, and names over 64 letters have no near ones.
func Nearest(name string, candidates []string) []string {
	wanted := []rune(name)
	for i, r := range wanted {
		wanted[i] = unicode.ToLower(r)
	}
	if len(wanted) == 0 || len(wanted) > maxNearestRunes {
		return nil
	}
	limit := max(1, len(wanted)/3)
	var rows distanceRows
	var letters []rune
	type match struct {
		name     string
		distance int
	}
	var matches []match
	for _, candidate := range candidates[:min(len(candidates), maxNearestNames)] {
		if len(candidate) > len(name)+4*limit || len(name) > len(candidate)+4*limit {
			continue // a rune has at most four bytes: too many edits apart
		}
		letters = letters[:0]
		for _, r := range candidate {
			letters = append(letters, unicode.ToLower(r))
		}
		if d := rows.between(wanted, letters); d <= limit {
			matches = append(matches, match{candidate, d})
		}
	}
	slices.SortStableFunc(matches, func(a, b match) int { return cmp.Compare(a.distance, b.distance) })
	var names []string
	for _, m := range matches[:min(len(matches), maxNearest)] {
		names = append(names, m.name)
	}
	return names
}

// distanceRows are three rows of the table of distances, kept from one pair of
// names to the next.
type distanceRows [3][]int

// between is the optimal string alignment distance, computed row by row with the
// two rows above at hand.
func (rows *distanceRows) between(a, b []rune) int {
	for i := range rows {
		rows[i] = slices.Grow(rows[i][:0], len(b)+1)[:len(b)+1]
	}
	twoUp, up, row := rows[0], rows[1], rows[2]
	for j := range up {
		up[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			change := up[j-1]
			if a[i-1] != b[j-1] {
				change++
			}
			row[j] = min(up[j]+1, row[j-1]+1, change)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], twoUp[j-2]+1)
			}
		}
		twoUp, up, row = up, row, twoUp
	}
	return up[len(b)]
}
