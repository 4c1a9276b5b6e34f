// Package exercise is what the Go programs share: where to connect, and how to tell how it went.
//
// A program prints one line of JSON for each step; steps go on after one that failed.
package exercise

import (
	"encoding/json"
	"fmt"
	"os"
	"sort"
	"time"
)

const (
	// Partitions of the topic.
	Partitions = 4
	// Records that every step produces.
	Records = 10
	// Patience is how long anything may take.
	Patience = 30 * time.Second
	// Quiet is how long nothing more may come before a reader believes that this is all.
	Quiet = time.Second
)

var (
	// Bootstrap is host and port.
	Bootstrap = os.Getenv("KAFKA_BOOTSTRAP")
	// Username is empty for a broker without authentication.
	Username = os.Getenv("KAFKA_USERNAME")
	// Password of the user: a token.
	Password = os.Getenv("KAFKA_PASSWORD")
	prefix   = os.Getenv("NAME_PREFIX")
	// Topic, group and transactional id.
	Topic           = prefix + "-orders"
	Group           = prefix + "-readers"
	TransactionalID = prefix + "-payments"

	expected []string
)

// Step runs a step; what it returns is its detail, or its failure.
func Step(name string, body func() (string, error)) {
	detail, err := body()
	if err != nil {
		tell(name, "failed", err.Error())
		return
	}
	tell(name, "ok", detail)
}

// Skip is a step that the library has not.
func Skip(name, reason string) { tell(name, "skipped", reason) }

func tell(name, result, detail string) {
	line, _ := json.Marshal(struct {
		Step   string `json:"step"`
		Result string `json:"result"`
		Detail string `json:"detail"`
	}{name, result, detail})
	fmt.Println(string(line))
}

// Values are what a step produces.
func Values(name string) []string {
	values := make([]string, Records)
	for number := range values {
		values[number] = fmt.Sprintf("%s-%d", name, number)
	}
	return values
}

// Expect notes what a consumer must find, each once.
func Expect(values []string) { expected = append(expected, values...) }

// Expected is how many records a consumer must find.
func Expected() int { return len(expected) }

// Compare fails unless exactly what was produced was found.
func Compare(found []string) (string, error) {
	want := append([]string(nil), expected...)
	have := append([]string(nil), found...)
	sort.Strings(want)
	sort.Strings(have)
	if fmt.Sprint(want) != fmt.Sprint(have) {
		return "", fmt.Errorf("produced %v, found %v", want, have)
	}
	return fmt.Sprintf("%d records, exactly those produced", len(found)), nil
}

// Contains fails unless a list has an element.
func Contains(list []string, element string) (string, error) {
	for _, one := range list {
		if one == element {
			return fmt.Sprintf("%d in the list", len(list)), nil
		}
	}
	return "", fmt.Errorf("%s is not among %v", element, list)
}

// Until polls a condition; it fails with what was seen last.
func Until(holds func() (bool, string)) (string, error) {
	deadline := time.Now().Add(Patience)
	for {
		good, seen := holds()
		if good {
			return seen, nil
		}
		if time.Now().After(deadline) {
			return "", fmt.Errorf("in the end %s", seen)
		}
		time.Sleep(50 * time.Millisecond)
	}
}
