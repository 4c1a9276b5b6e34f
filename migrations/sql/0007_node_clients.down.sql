DROP TABLE interlock.node_clients;
