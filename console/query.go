package console

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Limits of what a request may ask for.
const (
	pageLimit   = 50   // lines of a page that does not say how many
	maxLimit    = 1000 // lines of an answer that does
	maxSearch   = 256  // bytes of a search
	maxAccept   = 4096 // bytes of an Accept header that are looked at
	maxSortings = 32   // bytes of the name of a column
)

// A query is what the parameters of a request ask for.
type query struct {
	Search     string
	Sort       string // a column, or "" for the order by name
	Descending bool
	Offset     int
	Limit      int // 0 means all
	Format     string
}

const (
	formatJSON = "json"
	formatHTML = "html"
)

func parseQuery(v url.Values) (query, error) {
	q := query{Search: strings.TrimSpace(v.Get("q")), Format: v.Get("format")}
	q.Sort, q.Descending = strings.CutPrefix(v.Get("sort"), "-")
	if len(q.Search) > maxSearch {
		return q, fmt.Errorf("q has %d bytes; search for at most %d", len(q.Search), maxSearch)
	}
	if len(q.Sort) > maxSortings {
		return q, errors.New("sort names no column")
	}
	if q.Format != "" && q.Format != formatJSON && q.Format != formatHTML {
		return q, errors.New("format is json or html")
	}
	var err error
	if q.Offset, err = number(v, "offset", 0, 1<<31-1); err != nil {
		return q, err
	}
	q.Limit, err = number(v, "limit", 1, maxLimit)
	return q, err
}

// number is the parameter called name, or 0 if there is none.
func number(v url.Values, name string, least, most int) (int, error) {
	text := v.Get(name)
	if text == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < least || n > most {
		return 0, fmt.Errorf("%s is a number from %d to %d", name, least, most)
	}
	return n, nil
}

// values are the parameters that ask for q, without those that are not needed.
func (q query) values() url.Values {
	v := make(url.Values)
	if q.Search != "" {
		v.Set("q", q.Search)
	}
	if q.Sort != "" {
		direction := ""
		if q.Descending {
			direction = "-"
		}
		v.Set("sort", direction+q.Sort)
	}
	if q.Offset > 0 {
		v.Set("offset", strconv.Itoa(q.Offset))
	}
	if q.Limit > 0 && q.Limit != pageLimit {
		v.Set("limit", strconv.Itoa(q.Limit))
	}
	if q.Format != "" {
		v.Set("format", q.Format)
	}
	return v
}

// A column is something that lines can be sorted by.
type column[T any] struct {
	name    string
	compare func(a, b T) int
	falling bool // the most interesting comes last in ascending order
}

// arrange searches, sorts and pages lines, which are in order by name.
func arrange[T any](q query, lines []T, columns []column[T], matches func(line T, search string) bool) ([]T, *page, error) {
	if search := strings.ToLower(q.Search); search != "" {
		lines = slices.DeleteFunc(lines, func(line T) bool { return !matches(line, search) })
	}
	if q.Sort != "" {
		i := slices.IndexFunc(columns, func(c column[T]) bool { return c.name == q.Sort })
		if i < 0 {
			var names []string
			for _, c := range columns {
				names = append(names, c.name)
			}
			return nil, nil, errors.New("sort is one of " + strings.Join(names, ", ") + ", or one with a minus in front")
		}
		compare := columns[i].compare
		if q.Descending {
			compare = func(a, b T) int { return columns[i].compare(b, a) }
		}
		slices.SortStableFunc(lines, compare)
	}
	total := len(lines)
	first := min(q.Offset, total)
	last := total
	if q.Limit > 0 {
		last = min(first+q.Limit, total)
	}
	p := &page{Offset: first, Shown: last - first, Total: total}
	if last < total {
		p.Next = &last
	}
	return lines[first:last], p, nil
}

// contains reports whether one of texts has search, which is in lower case.
func contains(search string, texts ...string) bool {
	return slices.ContainsFunc(texts, func(text string) bool { return strings.Contains(strings.ToLower(text), search) })
}

// wantsPage reports whether the client prefers HTML to JSON. One who says
// nothing, or takes anything, gets JSON.
func wantsPage(r *http.Request, q query) bool {
	if q.Format != "" {
		return q.Format == formatHTML
	}
	accept := strings.Join(r.Header.Values("Accept"), ",")
	return prefersHTML(accept[:min(len(accept), maxAccept)])
}

// prefersHTML compares what an Accept header says about both types (RFC 9110,
// section 12.5.1): the most specific range that matches a type decides.
func prefersHTML(accept string) bool {
	html, json := quality(accept, "text", "html"), quality(accept, "application", "json")
	return html > json
}

// quality is from 0 to 1000. Where the header says nothing it is 0.
func quality(accept, kind, subtype string) int {
	best, found := 0, -1
	for part := range strings.SplitSeq(accept, ",") {
		media, parameters, _ := strings.Cut(part, ";")
		k, s, _ := strings.Cut(strings.ToLower(strings.TrimSpace(media)), "/")
		specific := 0
		switch {
		case k == kind && s == subtype:
			specific = 2
		case k == kind && s == "*":
			specific = 1
		case k == "*" && s == "*":
		default:
			continue
		}
		q, ok := weight(parameters)
		if !ok || specific < found || specific == found && q < best {
			continue
		}
		best, found = q, specific
	}
	return best
}

// weight reads the q of a media range, from 0 to 1000. One that is malformed does
// not count.
func weight(parameters string) (thousandths int, ok bool) {
	for parameter := range strings.SplitSeq(parameters, ";") {
		name, value, _ := strings.Cut(parameter, "=")
		if !strings.EqualFold(strings.TrimSpace(name), "q") {
			continue
		}
		q, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
		if err != nil || !(q >= 0 && q <= 1) { // not a number is neither
			return 0, false
		}
		return int(q * 1000), true
	}
	return 1000, true
}
