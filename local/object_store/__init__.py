"""What makes moto's S3 keep its objects, replicate them and lock them as S3 does; run by local/objects/server.py."""
