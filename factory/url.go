package factory

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/roster-go/roster"
)

// wholeURL is the path of what is wrong with no field in particular.
const wholeURL = "URL"

// parseURL takes a URL apart. No error tells anything of the URL but its scheme: a
// password that is not percent-encoded can appear to be any part of it.
func parseURL(text string) (*url.URL, error) {
	var problem string
	u, err := url.Parse(text)
	switch {
	case len(text) > MaxSize:
		problem = fmt.Sprintf("it has %d bytes, the limit is %d", len(text), MaxSize)
	case err != nil:
		problem = "it cannot be parsed; percent-encode what has a meaning in a URL, above all in a password"
	case u.Scheme == "":
		problem = "it does not begin with the name of a factory and a colon"
	default:
		return u, nil
	}
	return nil, &FieldError{Path: wholeURL, Problem: problem}
}

// fromURL reads the parts of a URL that fields of s ask for, and the query.
func fromURL(u *url.URL, s *shape) (value, error) {
	password, hasPassword := u.User.Password()
	given := map[string]string{
		"user": u.User.Username(), "password": password, "fragment": u.Fragment,
		"host": u.Hostname(), "port": u.Port(), "path": u.Path, "tail": strings.TrimPrefix(u.Path, "/"),
	}
	if u.Opaque != "" {
		unescaped, err := url.PathUnescape(u.Opaque)
		if err != nil {
			return value{}, &FieldError{Path: wholeURL, Problem: "its path has a wrong percent-encoding"}
		}
		given["path"], given["tail"] = unescaped, unescaped
	}
	if given["path"] == "/" {
		given["path"], given["tail"] = "", ""
	}
	v := value{is: record, offset: -1}
	parts := make(map[string]bool)
	for _, f := range s.fields {
		part := given[f.part]
		if f.part == "address" {
			part = u.Host
		}
		if f.part != "" && (part != "" || f.part == "password" && hasPassword) {
			v.pairs = append(v.pairs, pair{key: f.name, value: looseText(part), offset: -1})
		}
		parts[f.part] = true
	}
	if fault := unwanted(given, parts); fault != nil {
		return v, fault
	}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return v, &FieldError{Path: wholeURL, Problem: "its query has a wrong percent-encoding, or a semicolon"}
	}
	keys := make([]string, 0, len(query))
	for key := range query {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	count := 0
	for _, key := range keys {
		if count += len(query[key]); count > MaxValues {
			return v, &FieldError{Path: wholeURL, Problem: fmt.Sprintf("there are more than %d values", MaxValues)}
		}
		if err := v.insert(strings.Split(key, "."), query[key], nil); err != nil {
			return v, err
		}
	}
	return v, nil
}

// unwanted finds a part of the URL that no field asks for.
func unwanted(given map[string]string, parts map[string]bool) error {
	parts["host"] = parts["host"] || parts["address"]
	parts["port"] = parts["port"] || parts["address"]
	parts["path"] = parts["path"] || parts["tail"]
	for _, part := range urlParts {
		if part != "tail" && given[part] != "" && !parts[part] {
			return &FieldError{Path: wholeURL, Problem: fmt.Sprintf("it has a %s, and the factory takes none there", part)}
		}
	}
	return nil
}

func looseText(texts ...string) value {
	return value{is: loose, text: texts[0], texts: texts, offset: -1}
}

// insert puts texts under a key of the query, whose dots lead into objects.
func (v *value) insert(key, texts []string, p *path) error {
	p = &path{parent: p, name: key[0]}
	if len(key) > MaxDepth {
		return &FieldError{Path: p.String(), Problem: fmt.Sprintf("it is nested more than %d deep", MaxDepth)}
	}
	i := slices.IndexFunc(v.pairs, func(x pair) bool { return x.key == key[0] })
	switch {
	case i < 0 && len(key) == 1:
		v.pairs = append(v.pairs, pair{key: key[0], value: looseText(texts...), offset: -1})
		return nil
	case i < 0:
		v.pairs = append(v.pairs, pair{key: key[0], value: value{is: record, offset: -1}, offset: -1})
		i = len(v.pairs) - 1
	case len(key) == 1 || v.pairs[i].value.is != record:
		return &FieldError{Path: p.String(), Problem: "the URL gives it in two ways"}
	}
	return v.pairs[i].value.insert(key[1:], texts, p)
}

// didYouMean is the end of a sentence about a name that is not known.
func didYouMean(name string, known []string) string {
	var b strings.Builder
	if near := roster.Nearest(name, known); len(near) > 0 {
		fmt.Fprintf(&b, "; did you mean %s?", strings.Join(near, " or "))
	}
	const most = 30
	switch {
	case len(known) == 0:
		b.WriteString("; there are no fields")
	case len(known) > most:
		fmt.Fprintf(&b, "; the fields are %s and %d more", strings.Join(known[:most], ", "), len(known)-most)
	default:
		fmt.Fprintf(&b, "; the fields are %s", strings.Join(known, ", "))
	}
	return b.String()
}
