// The exercise with segmentio/kafka-go.
package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/sasl"
	"github.com/segmentio/kafka-go/sasl/plain"

	"interlock/clients/exercise"
)

var (
	address   = kafka.TCP(exercise.Bootstrap)
	transport = &kafka.Transport{SASL: mechanism()}
	dialer    = &kafka.Dialer{Timeout: exercise.Patience, SASLMechanism: mechanism()}
	client    = &kafka.Client{Addr: address, Timeout: exercise.Patience, Transport: transport}
)

func mechanism() sasl.Mechanism {
	if exercise.Username == "" {
		return nil
	}
	return plain.Mechanism{Username: exercise.Username, Password: exercise.Password}
}

func main() {
	ctx := context.Background()
	exercise.Step("create_topic", func() (string, error) {
		answer, err := client.CreateTopics(ctx, &kafka.CreateTopicsRequest{
			Topics: []kafka.TopicConfig{{
				Topic: exercise.Topic, NumPartitions: exercise.Partitions, ReplicationFactor: 1,
			}},
		})
		if err != nil {
			return "", err
		}
		return "", answer.Errors[exercise.Topic]
	})
	produceAll(ctx)
	withGroup(ctx)
	lookAround(ctx)
	exercise.Step("delete_group", func() (string, error) {
		answer, err := client.DeleteGroups(ctx,
			&kafka.DeleteGroupsRequest{GroupIDs: []string{exercise.Group}})
		if err != nil {
			return "", err
		}
		return "", answer.Errors[exercise.Group]
	})
	exercise.Step("delete_topic", func() (string, error) {
		answer, err := client.DeleteTopics(ctx,
			&kafka.DeleteTopicsRequest{Topics: []string{exercise.Topic}})
		if err != nil {
			return "", err
		}
		return "", answer.Errors[exercise.Topic]
	})
}

func produceAll(ctx context.Context) {
	acks := []struct {
		name string
		acks kafka.RequiredAcks
	}{{"1", kafka.RequireOne}, {"all", kafka.RequireAll}, {"0", kafka.RequireNone}}
	for _, one := range acks {
		produce(ctx, "produce_acks_"+one.name, one.acks, 0)
	}
	exercise.Skip("produce_idempotent", "kafka-go has no idempotent writer")
	exercise.Skip("produce_transactional", "kafka-go has no transactional writer")
	codecs := []struct {
		name  string
		codec kafka.Compression
	}{
		{"none", 0},
		{"gzip", kafka.Gzip},
		{"snappy", kafka.Snappy},
		{"lz4", kafka.Lz4},
		{"zstd", kafka.Zstd},
	}
	for _, one := range codecs {
		produce(ctx, "produce_"+one.name, kafka.RequireAll, one.codec)
	}
}

func produce(
	ctx context.Context, name string, acks kafka.RequiredAcks, codec kafka.Compression,
) {
	exercise.Step(name, func() (string, error) {
		writer := &kafka.Writer{
			Addr:         address,
			Topic:        exercise.Topic,
			Balancer:     &kafka.RoundRobin{},
			RequiredAcks: acks,
			Compression:  codec,
			BatchTimeout: 20 * time.Millisecond,
			Transport:    transport,
		}
		defer writer.Close()
		var messages []kafka.Message
		for _, value := range exercise.Values(name) {
			messages = append(messages, kafka.Message{Value: []byte(value)})
		}
		if err := writer.WriteMessages(ctx, messages...); err != nil {
			return "", err
		}
		exercise.Expect(exercise.Values(name))
		return "", nil
	})
}

func reader() *kafka.Reader {
	return kafka.NewReader(kafka.ReaderConfig{
		Brokers:           []string{exercise.Bootstrap},
		GroupID:           exercise.Group,
		Topic:             exercise.Topic,
		Dialer:            dialer,
		StartOffset:       kafka.FirstOffset,
		IsolationLevel:    kafka.ReadCommitted,
		SessionTimeout:    10 * time.Second,
		HeartbeatInterval: 500 * time.Millisecond,
		MaxWait:           300 * time.Millisecond,
	})
}

func withGroup(ctx context.Context) {
	first := reader()
	var messages []kafka.Message
	exercise.Step("consume", func() (string, error) {
		messages = read(ctx, first)
		var values []string
		for _, message := range messages {
			values = append(values, string(message.Value))
		}
		return exercise.Compare(values)
	})
	exercise.Step("commit", func() (string, error) {
		if err := first.CommitMessages(ctx, messages...); err != nil {
			return "", err
		}
		sum := int64(0)
		offsets, err := committed(ctx)
		for _, offset := range offsets {
			sum += offset.CommittedOffset
		}
		if err == nil && sum < int64(exercise.Expected()) {
			err = fmt.Errorf("committed offsets add up to %d", sum)
		}
		return "", err
	})
	// What a reader does not read on does not join again either.
	keepReading, stop := context.WithCancel(ctx)
	defer stop()
	go follow(keepReading, first)
	second := reader()
	go follow(keepReading, second)
	exercise.Step("rebalance_join", func() (string, error) {
		return untilAssigned(ctx, []int{2, 2})
	})
	exercise.Step("describe_group", func() (string, error) {
		group, err := describe(ctx)
		if err == nil && len(group.Members) != 2 {
			err = fmt.Errorf("%d members", len(group.Members))
		}
		return "", err
	})
	exercise.Step("rebalance_leave", func() (string, error) {
		if err := second.Close(); err != nil {
			return "", err
		}
		return untilAssigned(ctx, []int{4})
	})
	if err := first.Close(); err != nil {
		panic(err)
	}
	exercise.Step("seek", func() (string, error) { return seek(ctx) })
}

func read(ctx context.Context, from *kafka.Reader) []kafka.Message {
	var found []kafka.Message
	limit, cancel := context.WithTimeout(ctx, exercise.Patience)
	defer cancel()
	for {
		wait := limit
		if len(found) >= exercise.Expected() {
			var quiet context.CancelFunc
			wait, quiet = context.WithTimeout(limit, exercise.Quiet)
			defer quiet()
		}
		message, err := from.FetchMessage(wait)
		if err != nil {
			return found
		}
		found = append(found, message)
	}
}

func follow(ctx context.Context, from *kafka.Reader) {
	for {
		if _, err := from.FetchMessage(ctx); err != nil {
			return
		}
	}
}

// seek reads one partition without a group: readers of a group cannot be set back.
func seek(ctx context.Context) (string, error) {
	from := kafka.NewReader(kafka.ReaderConfig{
		Brokers: []string{exercise.Bootstrap}, Topic: exercise.Topic, Partition: 0, Dialer: dialer,
	})
	defer from.Close()
	limit, cancel := context.WithTimeout(ctx, exercise.Patience)
	defer cancel()
	for _, offset := range []int64{5, 2} {
		if err := from.SetOffset(offset); err != nil {
			return "", err
		}
		message, err := from.ReadMessage(limit)
		if err != nil {
			return "", err
		}
		if message.Offset != offset {
			return "", fmt.Errorf("read offset %d instead of %d", message.Offset, offset)
		}
	}
	return "one partition, without a group", nil
}

func describe(ctx context.Context) (kafka.DescribeGroupsResponseGroup, error) {
	none := kafka.DescribeGroupsResponseGroup{}
	answer, err := client.DescribeGroups(ctx,
		&kafka.DescribeGroupsRequest{GroupIDs: []string{exercise.Group}})
	if err != nil {
		return none, err
	}
	if len(answer.Groups) != 1 {
		return none, errors.New("no such group")
	}
	return answer.Groups[0], answer.Groups[0].Error
}

func untilAssigned(ctx context.Context, want []int) (string, error) {
	return exercise.Until(func() (bool, string) {
		group, err := describe(ctx)
		if err != nil {
			return false, err.Error()
		}
		var have []int
		for _, member := range group.Members {
			count := 0
			for _, topic := range member.MemberAssignments.Topics {
				count += len(topic.Partitions)
			}
			have = append(have, count)
		}
		return fmt.Sprint(have) == fmt.Sprint(want), fmt.Sprintf("partitions of members %v", have)
	})
}

func committed(ctx context.Context) ([]kafka.OffsetFetchPartition, error) {
	answer, err := client.OffsetFetch(ctx, &kafka.OffsetFetchRequest{
		GroupID: exercise.Group,
		Topics:  map[string][]int{exercise.Topic: {0, 1, 2, 3}},
	})
	if err != nil {
		return nil, err
	}
	return answer.Topics[exercise.Topic], answer.Error
}

func lookAround(ctx context.Context) {
	metadata := func(topics ...string) ([]kafka.Topic, error) {
		answer, err := client.Metadata(ctx, &kafka.MetadataRequest{Topics: topics})
		if err != nil {
			return nil, err
		}
		return answer.Topics, nil
	}
	exercise.Step("list_topics", func() (string, error) {
		topics, err := metadata()
		if err != nil {
			return "", err
		}
		var names []string
		for _, topic := range topics {
			names = append(names, topic.Name)
		}
		return exercise.Contains(names, exercise.Topic)
	})
	exercise.Step("describe_topic", func() (string, error) {
		topics, err := metadata(exercise.Topic)
		if err != nil {
			return "", err
		}
		if count := len(topics[0].Partitions); count != exercise.Partitions {
			return "", fmt.Errorf("%d partitions: %v", count, topics[0].Error)
		}
		return "", nil
	})
	exercise.Step("list_groups", func() (string, error) {
		answer, err := client.ListGroups(ctx, &kafka.ListGroupsRequest{})
		if err != nil {
			return "", err
		}
		var names []string
		for _, group := range answer.Groups {
			names = append(names, group.GroupID)
		}
		return exercise.Contains(names, exercise.Group)
	})
	exercise.Step("list_group_offsets", func() (string, error) {
		offsets, err := committed(ctx)
		if err == nil && len(offsets) != exercise.Partitions {
			err = fmt.Errorf("offsets of %d partitions", len(offsets))
		}
		return "", err
	})
}
